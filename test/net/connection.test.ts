import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { BadCommand } from '../../src/errors.ts';
import type { LineConnection, Serve } from '../../src/net/connection-types.ts';
import fc from '../helpers/properties.ts';
import { Clock, liveBytes, type Peer, trialListener } from './helpers.ts';

/** Answers each line with its length and text in brackets, and each bad one with its error. */
const echo =
  (limit = 1000): Serve =>
  async (connection) => {
    for (;;) {
      try {
        const line = await connection.line(limit);
        if (line === null) return;
        connection.write(`[${line.toString('latin1')}]\r\n`);
      } catch (error) {
        if (!(error instanceof BadCommand)) throw error;
        connection.write(`(${error.message})\r\n`);
      }
    }
  };

/** Sends pieces so that each arrives by itself: the next goes when the server has read the one before. */
async function sendApart(peer: Peer, pieces: readonly Buffer[], heard: () => number): Promise<void> {
  let sent = heard();
  for (const piece of pieces) {
    peer.send(piece);
    sent += piece.length;
    while (heard() < sent) await new Promise(setImmediate);
  }
}

test('lines are the same wherever the network cuts them', async (t) => {
  let connection: LineConnection | undefined;
  const { connect } = await trialListener(t, {
    serve: async (served) => {
      connection = served;
      served.write('hello\r\n');
      await echo()(served);
    },
  });
  const text = Buffer.from('first\r\n\r\nsecond one\nthird\r\r\n\0\xff\r\n', 'latin1');
  const answer = '[first]\r\n[]\r\n[second one]\r\n[third\r]\r\n[\0\xff]\r\n';
  const peer = await connect();
  await peer.until('hello\r\n');
  const heard = () => connection!.bytesIn;
  for (let cut = 0; cut <= text.length; cut++) {
    await sendApart(peer, [text.subarray(0, cut), text.subarray(cut)], heard);
    assert.equal(await peer.until('\xff]\r\n'), answer);
  }
  await sendApart(
    peer,
    [...text].map((byte) => Buffer.of(byte)),
    heard,
  );
  assert.equal(await peer.until('\xff]\r\n'), answer);
});

test('lines come out as they went in, for any lines and any cuts', async (t) => {
  let connection: LineConnection | undefined;
  const { connect } = await trialListener(t, {
    serve: async (served) => {
      connection = served;
      served.write('hello\r\n');
      await echo(40)(served);
    },
  });
  const peer = await connect();
  await peer.until('hello\r\n');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom('a', ' ', '\r', '\0', '\xe4'), maxLength: 60 }), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.array(fc.nat(), { maxLength: 6 }),
      async (lines, cuts) => {
        const all = Buffer.from(`${lines.join('\r\n')}\r\nthe end\r\n`, 'latin1');
        const places = [0, ...cuts.map((cut) => cut % all.length).sort((a, b) => a - b), all.length];
        const pieces = places.slice(1).map((end, i) => all.subarray(places[i], end));
        await sendApart(peer, pieces, () => connection!.bytesIn);
        const expected = lines.map((line) => (line.length > 40 ? '(the line is longer than 40 bytes)' : `[${line}]`));
        assert.equal(await peer.until('[the end]\r\n'), `${[...expected, '[the end]'].join('\r\n')}\r\n`);
      },
    ),
    { numRuns: 60 },
  );
});

test('a protocol with strict lines refuses bare CR and bare LF, and goes on', async (t) => {
  const { connect } = await trialListener(t, { serve: echo(), strictLines: true });
  const peer = await connect();
  peer.send('good\r\nbare\nbad\rline\r\n\r\r\n\ngood\r\n');
  assert.equal(await peer.until('[good]\r\n'), '[good]\r\n');
  const lf = '(a line must end with CR and LF, not with LF alone)\r\n';
  const cr = '(a CR may only stand before LF)\r\n';
  assert.equal(await peer.until('[good]\r\n'), `${lf}${cr}${cr}${lf}[good]\r\n`);
});

test('a line of many megabytes costs no memory and one error', async (t) => {
  const { connect } = await trialListener(t, { serve: echo(1000) });
  const peer = await connect();
  const block = Buffer.alloc(1 << 20, 'x');
  const before = liveBytes();
  let most = 0;
  for (let i = 0; i < 24; i++) {
    if (!peer.socket.write(block)) await once(peer.socket, 'drain');
    most = Math.max(most, liveBytes() - before);
  }
  peer.send('\r\nnext\r\n');
  assert.equal(await peer.until('[next]\r\n'), '(the line is longer than 1000 bytes)\r\n[next]\r\n');
  assert.ok(most < 8 << 20, `${most} bytes of 24 MB were kept`);
});

test('a line may be as long as its limit, with any line end', async (t) => {
  const { connect } = await trialListener(t, { serve: echo(5) });
  const peer = await connect();
  peer.send('12345\r\n12345\n123456\r\n123456\nend\r\n');
  const long = '(the line is longer than 5 bytes)\r\n';
  assert.equal(await peer.until('[end]\r\n'), `[12345]\r\n[12345]\r\n${long}${long}[end]\r\n`);
});

test('what was pipelined is there at once, and what was not is not', async (t) => {
  const { connect } = await trialListener(t, {
    serve: async (connection) => {
      for (;;) {
        const first = await connection.line(100);
        if (first === null) return;
        const seen = [first.toString()];
        for (let next = connection.lineNow(100); next; next = connection.lineNow(100)) seen.push(next.toString());
        connection.write(`${seen.join('+')} pending=${connection.pending}\r\n`);
      }
    },
  });
  const peer = await connect();
  peer.send('a\r\nb\r\nc\r\n');
  assert.equal(await peer.until('\r\n'), 'a+b+c pending=false\r\n');
  peer.send('d\r\ne\r\nhalf');
  assert.equal(await peer.until('\r\n'), 'd+e pending=true\r\n');
  peer.send(' done\r\n');
  assert.equal(await peer.until('\r\n'), 'half done pending=false\r\n');
});

test('chunks give bytes as they are, and what was too much can be put back', async (t) => {
  const { connect } = await trialListener(t, {
    serve: async (connection) => {
      for (;;) {
        const size = await connection.line(100);
        if (size === null) return;
        let literal = '';
        let missing = Number(size.toString());
        while (missing > 0) {
          const chunk = await connection.chunk(missing + 3); // three too many, when they are here
          if (chunk === null) return;
          literal += chunk.toString('latin1', 0, missing);
          if (chunk.length > missing) connection.unread(chunk.subarray(missing));
          missing -= Math.min(missing, chunk.length);
        }
        connection.unread(Buffer.from('put back\r\n'));
        connection.write(
          `<${literal}> ${(await connection.line(100))!.toString()} ${(await connection.line(100))!.toString()}\r\n`,
        );
      }
    },
  });
  const peer = await connect();
  peer.send('5\r\na\r\nb\rrest of line\r\n3\r\nxyzthen\r\n');
  assert.equal(await peer.until('line\r\n'), '<a\r\nb\r> put back rest of line\r\n');
  assert.equal(await peer.until('then\r\n'), '<xyz> put back then\r\n');
});

test('half a line at the end of the connection is no line, and whole ones before it are read', async (t) => {
  const { connect } = await trialListener(t, { serve: echo() });
  const peer = await connect();
  peer.socket.end('one\r\ntwo\r\nthr');
  assert.equal(await peer.untilEnd(), '[one]\r\n[two]\r\n');
});

test('a literal of 32 MB is taken in with bounded memory, however slow its reader', async (t) => {
  const size = 32 << 20;
  let most = 0;
  const { connect } = await trialListener(t, {
    serve: async (connection) => {
      connection.write('go\r\n');
      const before = liveBytes();
      let read = 0;
      let chunks = 0;
      while (read < size) {
        const chunk = await connection.chunk(100_000);
        if (chunk === null) return;
        read += chunk.length;
        await new Promise(setImmediate);
        if (++chunks % 20 === 0) most = Math.max(most, liveBytes() - before);
      }
      connection.write(`${read}\r\n`);
    },
  });
  const peer = await connect();
  await peer.until('go\r\n');
  const block = randomBytes(1 << 18);
  for (let sent = 0; sent < size; sent += block.length) if (!peer.socket.write(block)) await once(peer.socket, 'drain');
  assert.equal(await peer.until('\r\n'), `${size}\r\n`);
  assert.ok(most < 8 << 20, `${most} bytes of ${size} were kept`);
});

test('a socket whose bytes nobody reads is paused, and read again when they are wanted', async (t) => {
  const wanted = Promise.withResolvers<void>();
  let connection: LineConnection | undefined;
  const { connect } = await trialListener(t, {
    serve: async (served) => {
      connection = served;
      await wanted.promise;
      let read = 0;
      for (let chunk = await served.chunk(1 << 20); chunk !== null; chunk = await served.chunk(1 << 20))
        read += chunk.length;
      served.write(`${read}\r\n`);
    },
  });
  const peer = await connect();
  const size = 32 << 20; // more than the kernel holds for both ends
  peer.socket.end(Buffer.alloc(size));
  while ((connection?.bytesIn ?? 0) < 256 << 10) await new Promise(setImmediate);
  for (let i = 0; i < 100; i++) await new Promise(setImmediate);
  assert.ok(connection!.bytesIn < 1 << 20, `${connection!.bytesIn} bytes were taken in`);
  wanted.resolve();
  assert.equal(await peer.untilEnd(), `${size}\r\n`);
});

test('drained() holds back who writes more than the peer reads', async (t) => {
  const size = 48 << 20;
  let most = 0;
  const { connect } = await trialListener(t, {
    serve: async (connection) => {
      const piece = Buffer.alloc(1 << 20, 'b');
      const before = liveBytes();
      for (let written = 0; written < size; written += piece.length) {
        connection.write('text ');
        connection.write(Buffer.from(piece));
        await connection.drained();
        most = Math.max(most, liveBytes() - before);
      }
    },
  });
  const peer = await connect();
  peer.socket.removeAllListeners('data').pause();
  await new Promise(setImmediate);
  let read = 0;
  for await (const text of peer.socket) read += (text as string).length;
  assert.equal(read, size + 48 * 5);
  assert.ok(most < 8 << 20, `${most} bytes of ${size} were kept`);
});

test('text and buffers of any size arrive in the order they were written', async (t) => {
  const { connect } = await trialListener(t, {
    serve: async (connection) => {
      for (let i = 0; i < 40; i++) {
        connection.write(`${i}:`);
        connection.write(Buffer.alloc(i * 9000, `${i % 10}`));
        if (i % 7 === 0) connection.write('t'.repeat(200_000));
        if (i % 5 === 0) await connection.drained();
      }
    },
  });
  let expected = '';
  for (let i = 0; i < 40; i++)
    expected += `${i}:${`${i % 10}`.repeat(i * 9000)}${i % 7 === 0 ? 't'.repeat(200_000) : ''}`;
  const peer = await connect();
  assert.ok((await peer.untilEnd()) === expected);
});

test('what is written in one turn goes out together, in one packet', async (t) => {
  const { connect } = await trialListener(t, {
    serve: async (connection) => {
      await connection.line(100);
      for (let i = 0; i < 100; i++) connection.write(`line ${i}\r\n`);
      await Promise.resolve();
      connection.write('last\r\n');
      await connection.line(100);
    },
  });
  const peer = await connect();
  peer.send('go\r\n');
  const [packet] = (await once(peer.socket, 'data')) as [string];
  assert.ok(packet.startsWith('line 0') && packet.endsWith('last\r\n'));
});

test('end() sends what was written, lets nothing follow, and wakes the reader', async (t) => {
  const after = Promise.withResolvers<unknown>();
  const { connect } = await trialListener(t, {
    serve: async (connection) => {
      const reading = connection.line(100);
      connection.write('bye\r\n');
      connection.end();
      connection.write('too late\r\n');
      connection.end();
      after.resolve([await reading, connection.closed, connection.lineNow(100), await connection.chunk(10)]);
    },
  });
  const peer = await connect();
  assert.equal(await peer.untilEnd(), 'bye\r\n');
  assert.deepEqual(await after.promise, [null, true, null, null]);
});

test('a peer that breaks off is an end for everybody who waits, and no fault', async (t) => {
  const result = Promise.withResolvers<unknown>();
  const { connect } = await trialListener(t, {
    serve: async (connection) => {
      connection.write(Buffer.alloc(64 << 20)); // more than the kernel takes
      const { signal } = connection;
      const aborted = once(signal, 'abort');
      connection.write('x');
      const line = connection.line(100);
      await connection.drained();
      await aborted;
      result.resolve([await line, connection.closed, connection.signal.aborted, connection.drained()]);
    },
  });
  const peer = await connect();
  await once(peer.socket, 'data');
  peer.socket.resetAndDestroy();
  assert.deepEqual(await result.promise, [null, true, true, undefined]);
});

test('a silent peer is told farewell after its idle timeout', async (t) => {
  const clock = new Clock();
  const { connect } = await trialListener(t, { serve: echo(), idleTimeout: 1000, clock: clock.read });
  const peer = await connect();
  peer.send('hello\r\n');
  await peer.until('[hello]\r\n');
  clock.now += 999;
  peer.send('still here\r\n');
  await peer.until('[still here]\r\n');
  clock.now += 2000;
  assert.equal(await peer.untilEnd(), 'farewell: timeout\r\n');
});

test('a peer that never comes to the end of a line is told farewell, too, however long the line', async (t) => {
  for (const piece of ['x', 'x'.repeat(2_000)]) {
    const clock = new Clock();
    let connection: LineConnection | undefined;
    const { connect, listener } = await trialListener(t, {
      idleTimeout: 1000,
      clock: clock.read,
      serve: async (served) => {
        connection = served;
        await echo()(served);
      },
    });
    const peer = await connect();
    for (const step of [600, 600]) {
      await sendApart(peer, [Buffer.from('begun'), Buffer.from(' and ended\r\n')], () => connection?.bytesIn ?? 0);
      assert.equal(await peer.until(']\r\n'), '[begun and ended]\r\n');
      clock.now += step;
      while (listener.now < clock.now) await new Promise(setImmediate);
    }
    for (let count = 0; count < 3 && !peer.ended; count++) {
      await sendApart(peer, [Buffer.from(piece)], () => connection!.bytesIn);
      clock.now += 400;
      while (listener.now < clock.now) await new Promise(setImmediate);
    }
    assert.equal(await peer.untilEnd(), 'farewell: timeout\r\n');
  }
});

test('a command that takes long is not taken for a silent peer', async (t) => {
  const clock = new Clock();
  const finish = Promise.withResolvers<void>();
  const { connect, listener } = await trialListener(t, {
    idleTimeout: 1000,
    clock: clock.read,
    serve: async (connection) => {
      connection.write('working\r\n');
      await finish.promise;
      connection.write('done\r\n');
      await connection.line(100);
    },
  });
  const peer = await connect();
  await peer.until('working\r\n');
  clock.now += 5000;
  while (listener.now < clock.now) await new Promise(setImmediate);
  finish.resolve();
  await peer.until('done\r\n');
  clock.now += 500;
  while (listener.now < clock.now) await new Promise(setImmediate);
  assert.equal(peer.ended, false);
});

test('a peer that reads nothing of what is sent is dropped', async (t) => {
  const clock = new Clock();
  const ended = Promise.withResolvers<void>();
  const { connect, listener } = await trialListener(t, {
    clock: clock.read,
    serve: async (connection) => {
      connection.write(Buffer.alloc(64 << 20));
      await connection.drained();
      ended.resolve();
    },
  });
  const peer = await connect();
  peer.socket.pause();
  while (listener.open === 0) await new Promise(setImmediate);
  // Time goes on as long as it takes: the kernel fills its buffers first.
  const time = setInterval(() => {
    clock.now += 30_000;
  }, 20);
  await ended.promise;
  clearInterval(time);
  while (listener.open > 0) await new Promise(setImmediate);
});

test('who sends more lines than allowed waits for the next window, and loses none', async (t) => {
  const { connect, listener } = await trialListener(t, { serve: echo(), linesAWindow: 10 });
  const peer = await connect();
  let text = '';
  for (let i = 0; i < 45; i++) text += `${i}\r\n`;
  const before = listener.window;
  peer.send(text);
  assert.equal(await peer.until('[44]\r\n'), text.replace(/(\d+)/g, '[$1]'));
  assert.ok(listener.window - before >= 3, 'five windows of ten lines');
});

test('who sends far more lines than allowed is not read any more until the next window', async (t) => {
  const { connect, listener } = await trialListener(t, { serve: echo(100_000), linesAWindow: 3 });
  const peer = await connect();
  const line = `${'x'.repeat(90_000)}\r\n`;
  peer.send(line.repeat(12));
  peer.send('end\r\n');
  await peer.until('[end]\r\n');
  assert.ok(listener.window >= 4);
  peer.send('at once\r\n');
  await peer.until('[at once]\r\n');
});

test('two readers of one connection are a fault of ours', async (t) => {
  const { connect, faults } = await trialListener(t, {
    serve: async (connection) => {
      await Promise.all([connection.line(100), connection.line(100)]);
    },
  });
  const peer = await connect();
  await peer.untilEnd();
  assert.match(String(faults.pop()?.error), /two readers/);
});
