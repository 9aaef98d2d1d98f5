import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLog, partLog } from '../../src/server/log.ts';

function logged(write: (log: ReturnType<typeof openLog>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(openLog('info', { write: (line: string) => lines.push(line) }));
  return lines.map((line) => JSON.parse(line));
}

test('a line tells the part, the level and the time', () => {
  const [line] = logged((log) => partLog(log, 'imap').warn({ connection: 7 }, 'it rains'));
  const { time, ...rest } = line!;
  assert.deepEqual(rest, { level: 'warn', part: 'imap', connection: 7, msg: 'it rains' });
  assert.ok(!Number.isNaN(Date.parse(String(time))));
});

test('what is below the level is not written', () => {
  assert.deepEqual(
    logged((log) => log.debug('nobody asked')),
    [],
  );
});

test('secrets are not written, however deep they stand', () => {
  const text = JSON.stringify(
    logged((log) => {
      log.info({ password: 'rain1', user: { Passwd: 'rain2', upstream: { clientSecret: 'rain3', name: 'anna' } } });
      log.info({ headers: { Authorization: 'rain4' }, accessToken: 'rain5', privateKey: 'rain6' });
    }),
  );
  assert.doesNotMatch(text, /rain\d/);
  assert.match(text, /"name":"anna"/);
});

test('an error is written with its cause', () => {
  const [line] = logged((log) => log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed'));
  const text = JSON.stringify(line);
  assert.match(text, /outer/);
  assert.match(text, /inner/);
});
