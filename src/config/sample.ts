/** The sample configuration: every setting with its explanation, commented out at its default. Made from the schema. */
import { schema } from './schema.ts';

const HEAD = `# Rainmail's settings. Every line that begins with "# " and a name is a setting at its default: remove the "# " to
# change it. Start the server with: rainmail serve --config rainmail.toml
#
# Sizes are written "50MB" (a KB is 1,024 bytes), durations "10s", "30m", "1h" or "14d".
`;

const WIDTH = 118;

interface Setting {
  readonly description?: string | undefined;
  readonly def: { readonly type: string; readonly defaultValue?: unknown; readonly innerType?: unknown };
}

/** The text of docs/rainmail.sample.toml. */
export function sampleConfig(): string {
  const settings: string[] = [];
  const sections: string[] = [];
  for (const [name, setting] of Object.entries(schema.shape)) {
    const shape = (setting.def.innerType as { shape?: Record<string, Setting> }).shape;
    if (shape === undefined) settings.push(explained(name, setting));
    else {
      const inner = Object.entries(shape).map(([key, value]) => explained(key, value));
      sections.push(`${comment(setting.description)}\n[${name}]\n\n${inner.join('\n\n')}`);
    }
  }
  return `${HEAD}\n${[...settings, ...sections].join('\n\n')}\n`;
}

function explained(name: string, { description, def }: Setting): string {
  return `${comment(description)}\n# ${name} = ${toml(def.defaultValue)}`;
}

function toml(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(toml).join(', ')}]` : JSON.stringify(value);
}

/** A description as comment lines: `## ` so that it can be told from a setting. */
function comment(text = ''): string {
  const lines: string[] = [];
  let line = '##';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '##';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
