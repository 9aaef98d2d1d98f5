/** BODYSTRUCTURE and BODY (RFC 9051 7.5.2) in IMAP syntax, one character a byte. */
import type { ContentFields } from './content-fields.ts';
import { imapNstring, imapString } from './imap-string.ts';
import type { Parameter } from './parameters.ts';

/** body-type-1part: an entity that is neither multipart nor a readable message. `lines` only for text. */
export function leafStructure(content: ContentFields, octets: number, lines: number | null): string {
  return `(${basics(content, octets)}${lines === null ? '' : ` ${lines}`} ${singleExtension(content)})`;
}

/** body-type-msg: a message/rfc822 or message/global, with what is within. */
export function messageStructure(
  content: ContentFields,
  octets: number,
  envelope: string,
  body: string,
  lines: number,
): string {
  return `(${basics(content, octets)} ${envelope} ${body} ${lines} ${singleExtension(content)})`;
}

/** body-type-mpart. @param parts the parts' structures, written together; at least one */
export function multipartStructure(content: ContentFields, parts: string): string {
  return `(${parts} ${imapString(content.subtype)} ${parameterList(content.params)} ${extension(content)})`;
}

function basics(content: ContentFields, octets: number): string {
  return `${imapString(content.type)} ${imapString(content.subtype)} ${parameterList(content.params)} ${imapNstring(content.id)} ${imapNstring(content.description)} ${imapString(content.encoding)} ${octets}`;
}

function singleExtension(content: ContentFields): string {
  return `${imapNstring(content.md5)} ${extension(content)}`;
}

/** Disposition, language and location: what ends every entity's extension data. */
function extension(content: ContentFields): string {
  const { disposition, dispositionParams, languages, location } = content;
  const placed = disposition === null ? 'NIL' : `(${imapString(disposition)} ${parameterList(dispositionParams)})`;
  return `${placed} ${languageList(languages)} ${imapNstring(location)}`;
}

function languageList(languages: readonly string[]): string {
  if (languages.length === 0) return 'NIL';
  return languages.length === 1 ? imapString(languages[0]!) : `(${languages.map(imapString).join(' ')})`;
}

function parameterList(params: readonly Parameter[]): string {
  if (params.length === 0) return 'NIL';
  let text = '';
  for (const [name, value] of params) text += `${text === '' ? '(' : ' '}${imapString(name)} ${imapString(value)}`;
  return `${text})`;
}

/**
 * BODY, the form without extension data, from BODYSTRUCTURE as written above: so that a row needs to keep only one of them.
 *
 * @throws Error when the text is not what this file writes
 */
export function bodyText(bodyStructure: string): string {
  const reader = new StructureReader(bodyStructure);
  return reader.body();
}

/** Walks over a BODYSTRUCTURE and copies what BODY has of it. Depth is bounded by the MIME reader's. */
class StructureReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  body(): string {
    this.#expect('(');
    let text: string;
    if (this.#text[this.#at] === '(') {
      let parts = '';
      while (this.#text[this.#at] === '(') parts += this.body();
      text = `(${parts} ${this.#next()})`; // The subtype
    } else {
      const type = this.#value();
      const subtype = this.#next();
      // Parameters, id, description, encoding, octets
      text = `(${type} ${subtype} ${this.#next()} ${this.#next()} ${this.#next()} ${this.#next()} ${this.#next()}`;
      if (type === '"text"') text += ` ${this.#next()}`;
      else if (type === '"message"' && (subtype === '"rfc822"' || subtype === '"global"')) {
        text += ` ${this.#next()} `;
        this.#expect(' ');
        text += `${this.body()} ${this.#next()}`;
      }
      text += ')';
    }
    while (this.#text[this.#at] === ' ') this.#next();
    this.#expect(')');
    return text;
  }

  #next(): string {
    this.#expect(' ');
    return this.#value();
  }

  /** One value as it stands: a string, a literal, an atom, or a list. */
  #value(): string {
    const from = this.#at;
    let depth = 0;
    do {
      const char = this.#text[this.#at];
      if (char === undefined) throw new Error('a BODYSTRUCTURE ends too early');
      if (char === '"') this.#skipQuoted();
      else if (char === '{') this.#skipLiteral();
      else {
        if (char === '(') depth++;
        if (char === ')') depth--;
        this.#at++;
      }
    } while (depth > 0 || !this.#atEnd());
    return this.#text.slice(from, this.#at);
  }

  #atEnd(): boolean {
    const char = this.#text[this.#at];
    return char === ' ' || char === ')' || char === undefined;
  }

  #skipQuoted(): void {
    this.#at++;
    while (this.#text[this.#at] !== '"') {
      if (this.#at >= this.#text.length) throw new Error('a BODYSTRUCTURE ends within a string');
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    }
    this.#at++;
  }

  #skipLiteral(): void {
    const close = this.#text.indexOf('}', this.#at);
    this.#at = close + 3 + Number(this.#text.slice(this.#at + 1, close));
  }

  #expect(char: string): void {
    if (this.#text[this.#at] !== char) throw new Error(`a BODYSTRUCTURE has no ${char} at ${this.#at}`);
    this.#at++;
  }
}
