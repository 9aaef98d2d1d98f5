/** Pages are made of templates whose values are always escaped; nothing here writes raw HTML. */
import { createHash } from 'node:crypto';
import { html, type VNode } from 'htm/preact';
import { renderToString } from 'preact-render-to-string';

/** A template: html`<p title=${title}>${text}</p>`. */
export { html, type VNode };

/** What a template holds: others, text, and nothing. */
export type Html = VNode | string | number | boolean | null | undefined | readonly Html[];

/** A whole document as it is sent. */
export function documentOf(page: VNode): string {
  return `<!DOCTYPE html>\n${renderToString(page)}\n`;
}

/** A short name for the content of a file, so that browsers may keep it for good. */
export function versionOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('base64url').slice(0, 12);
}
