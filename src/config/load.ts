/**
 * Reads the configuration: TOML with positions, checked whole. Every mistake is reported at once, each with file, line and what
 * to do; a setting we don't know is a mistake too, so that a misspelt one never goes unnoticed.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type AST, getStaticTOMLValue, ParseError, parseTOML } from 'toml-eslint-parser';
import type { z } from 'zod';
import { Refused } from '../errors.ts';
import { nearest } from './nearest.ts';
import { type Config, schema } from './schema.ts';

/**
 * Reads and checks a configuration file. Paths in it start at its folder.
 * @throws Refused `config.invalid` with one line for each mistake: `rainmail.toml:12: limits.message: ...`
 */
export function loadConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Refused('config.invalid', `${file}: can't be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    });
  }
  const config = parseConfig(text, file);
  const from = (path: string) => (path === '' ? '' : resolve(dirname(file), path));
  return {
    ...config,
    data: from(config.data),
    backup: { ...config.backup, repository: from(config.backup.repository) },
    openid: {
      ...config.openid,
      clientSecret: from(config.openid.clientSecret),
      authority: from(config.openid.authority),
    },
    ldap: { ...config.ldap, ca: from(config.ldap.ca), passwordFile: from(config.ldap.passwordFile) },
    tls: {
      certificate: from(config.tls.certificate),
      key: from(config.tls.key),
      more: config.tls.more.map(({ certificate, key }) => ({ certificate: from(certificate), key: from(key) })),
    },
    routes: config.routes.map((route) => ({ ...route, passwordFile: from(route.passwordFile) })),
    acme: { ...config.acme, caFile: from(config.acme.caFile), eabKeyFile: from(config.acme.eabKeyFile) },
  };
}

/** As {@link loadConfig}, from text; `file` is only its name in the errors. */
export function parseConfig(text: string, file: string): Config {
  let toml: AST.TOMLProgram;
  try {
    toml = parseTOML(text);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    // What is missing at the end is noticed after the last line.
    const line = Math.min(error.lineNumber, text.trimEnd().split('\n').length);
    throw new Refused('config.invalid', `${file}:${line}: ${error.message.replace(/\.?$/, '.')}`, { cause: error });
  }
  const lines = linesOf(toml);
  const parsed = schema.safeParse(plain(getStaticTOMLValue(toml)));
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues
    .flatMap((issue) => describe(issue))
    .map(({ path, text }) => ({
      line: lineOf(path, lines),
      text: path.length === 0 ? text : `${path.join('.')}: ${text}`,
    }));
  mistakes.sort((a, b) => a.line - b.line);
  throw new Refused('config.invalid', mistakes.map(({ line, text }) => `${file}:${line}: ${text}`).join('\n'));
}

type Path = readonly PropertyKey[];

/** What is wrong, and at which setting. */
function describe(issue: z.core.$ZodIssue): { path: Path; text: string }[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const known = nearest(key, settingsAt(issue.path));
        const hint = known === undefined ? 'See the sample file for what there is.' : `Did you mean ${known}?`;
        return { path: [...issue.path, key], text: `there is no such setting. ${hint}` };
      });
    case 'invalid_type':
      return [{ path: issue.path, text: `must be ${EXPECTED[issue.expected] ?? issue.expected}.` }];
    case 'invalid_value':
      return [{ path: issue.path, text: `must be one of ${issue.values.join(', ')}.` }];
    case 'too_small':
      return [
        {
          path: issue.path,
          text: `must be at least ${issue.inclusive === false ? Number(issue.minimum) + 1 : issue.minimum}.`,
        },
      ];
    case 'too_big':
      return [{ path: issue.path, text: `must be at most ${issue.maximum}.` }];
    case 'invalid_union': {
      // A list with a mistake inside: that mistake is the one to tell.
      const inside = issue.errors.flat().filter(({ path }) => path.length > 0);
      if (inside.length === 0) return [{ path: issue.path, text: issue.message }];
      return inside.flatMap(describe).map(({ path, text }) => ({ path: [...issue.path, ...path], text }));
    }
    default:
      return [{ path: issue.path, text: issue.message }];
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list in brackets',
  object: 'a section',
};

/** Names of the settings in a section. */
function settingsAt(path: Path): string[] {
  let shape: Record<string, unknown> = schema.shape;
  for (const key of path) {
    const section = shape[String(key)] as { def?: { innerType?: { shape?: Record<string, unknown> } } } | undefined;
    shape = section?.def?.innerType?.shape ?? {};
  }
  return Object.keys(shape);
}

/** TOML's integers may come as BigInt; settings are numbers. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** The line on which each setting, section and list element stands, by its path. */
function linesOf(toml: AST.TOMLProgram): Map<string, number> {
  const lines = new Map<string, number>();
  const note = (path: Path, node: AST.TOMLNode) => {
    for (let length = 1; length <= path.length; length++) {
      const key = path.slice(0, length).join('.');
      if (!lines.has(key)) lines.set(key, node.loc.start.line);
    }
  };
  const content = (path: Path, node: AST.TOMLContentNode) => {
    if (node.type === 'TOMLArray') {
      for (const [index, element] of node.elements.entries()) {
        note([...path, index], element);
        content([...path, index], element);
      }
    } else if (node.type === 'TOMLInlineTable') {
      for (const pair of node.body) keyValue(path, pair);
    }
  };
  const keyValue = (section: Path, pair: AST.TOMLKeyValue) => {
    const path = [...section, ...keys(pair.key)];
    note(path, pair);
    content(path, pair.value);
  };
  for (const node of toml.body[0].body) {
    if (node.type === 'TOMLKeyValue') keyValue([], node);
    else {
      note(node.resolvedKey, node);
      for (const pair of node.body) keyValue(node.resolvedKey, pair);
    }
  }
  return lines;
}

function keys(key: AST.TOMLKey): string[] {
  return key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));
}

/** The line of a setting, or of the nearest section above it; 1 when the file doesn't mention any. */
function lineOf(path: Path, lines: ReadonlyMap<string, number>): number {
  for (let length = path.length; length > 0; length--) {
    const line = lines.get(path.slice(0, length).join('.'));
    if (line !== undefined) return line;
  }
  return 1;
}
