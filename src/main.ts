/** The command line's entry: bin/rainmail starts it on Node 26. */
process.umask(0o077); // what we write is for our own user alone
const args = process.argv.slice(2);
if (args[0] === '__complete') {
  // The shell asks, with a person waiting: nothing else is loaded.
  const { completeNames } = await import('./cli/completion/names.ts');
  process.stdout.write(completeNames(args.slice(1)));
} else {
  const { run } = await import('./cli/program.ts');
  process.exitCode = await run(args);
}

export {};
