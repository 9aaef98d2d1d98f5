/** The command line's entry: bin/rainmail starts it on Node 26. */
import { run } from './cli/program.ts';

process.umask(0o077); // what we write is for our own user alone
process.exitCode = await run(process.argv.slice(2));
