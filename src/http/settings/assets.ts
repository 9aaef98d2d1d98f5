/** The files beside the pages: style, script, icon. Their addresses change with their content, so browsers keep them for good. */
import { readFileSync } from 'node:fs';
import { versionOf } from './html.ts';

export interface Asset {
  readonly type: string;
  readonly content: Buffer;
}

const TYPES = {
  'settings.css': 'text/css; charset=utf-8',
  'settings.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

export type AssetName = keyof typeof TYPES;

export interface AssetUrls {
  readonly style: string;
  readonly script: string;
  readonly icon: string;
}

/** The files by name, read once when the server starts. */
export function readAssets(): ReadonlyMap<string, Asset> {
  return new Map(
    Object.entries(TYPES).map(([name, type]) => [
      name,
      { type, content: readFileSync(new URL(`./assets/${name}`, import.meta.url)) },
    ]),
  );
}

export function assetUrls(assets: ReadonlyMap<string, Asset>): AssetUrls {
  const url = (name: AssetName) => `/settings/assets/${name}?v=${versionOf(assets.get(name)!.content)}`;
  return { style: url('settings.css'), script: url('settings.js'), icon: url('icon.svg') };
}
