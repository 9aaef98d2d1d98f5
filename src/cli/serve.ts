import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../config/load.ts';
import { defaults } from '../config/schema.ts';

interface ServeOptions {
  readonly data?: string;
  readonly config?: string;
  readonly portOffset?: number;
}

/** An ordinary user may not open the standard ports. */
const OFFSET_OF_USERS = 10_000;

export function serveCommand(): Command {
  return new Command('serve')
    .description('run the server in the foreground; SIGTERM ends it')
    .addOption(
      new Option('--data <dir>', 'data directory of the office (default: ./data, or as the configuration says)').env(
        'RAINMAIL_DATA',
      ),
    )
    .option('--config <file>', 'the settings; without them it listens on this machine only')
    .option('--port-offset <n>', 'added to every standard port: 10000 makes IMAP 10143', portOffset)
    .addHelpText('after', '\nExample:\n  rainmail serve --config /etc/rainmail.toml')
    .action(async (options: ServeOptions) => {
      process.exitCode = await serve(options);
    });
}

async function serve(options: ServeOptions): Promise<number> {
  process.stdout.on('error', () => {}); // who started us may stop reading: that is no reason to end
  const config = options.config === undefined ? defaults() : loadConfig(options.config);
  // Every protocol comes with it: other commands begin sooner without.
  const { startServer } = await import('../server/server.ts');
  const { untilStopped } = await import('../server/shutdown.ts');
  const user = process.getuid?.() ?? 0;
  const server = await startServer({
    config,
    ...(options.config === undefined ? {} : { configFile: resolve(options.config) }),
    data: resolve(options.data || config.data),
    withoutConfig: options.config === undefined,
    offset: options.portOffset ?? (options.config === undefined && user !== 0 ? OFFSET_OF_USERS : config.listen.offset),
    terminal: process.stdout.isTTY === true,
  });
  process.stdout.write(`${server.greeting}ready\n`);
  return untilStopped(server, server.log);
}

function portOffset(text: string): number {
  const offset = Number(text);
  if (!/^\d+$/.test(text) || offset > 50_000) throw new InvalidArgumentError('It is a number from 0 to 50000.');
  return offset;
}
