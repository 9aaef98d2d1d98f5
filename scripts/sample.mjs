// npm run sample: writes docs/rainmail.sample.toml from the schema of the settings. --check: fails when it is out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { sampleConfig } from '../src/config/sample.ts';

const file = new URL('../docs/rainmail.sample.toml', import.meta.url);
const text = sampleConfig();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/rainmail.sample.toml is out of date: run npm run sample');
  process.exit(1);
}
