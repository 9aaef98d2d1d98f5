/** What a client calls itself, so that people recognise it. Pure. */

/** The first that fits counts: browsers name those that they descend from. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|Chromium|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'Mac'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/** `Firefox on Windows` for a browser's User-Agent; what it says itself for everything else. */
export function clientName(client: string): string {
  const browser = named(BROWSERS, client);
  if (browser === undefined || !client.startsWith('Mozilla/')) return client;
  const system = named(SYSTEMS, client);
  return system === undefined ? browser : `${browser} on ${system}`;
}

function named(names: readonly (readonly [RegExp, string])[], client: string): string | undefined {
  return names.find(([pattern]) => pattern.test(client))?.[1];
}
