import type { TestContext } from 'node:test';

const deferred = new WeakMap<TestContext, (() => unknown)[]>();

/** Runs at the end of the test, last deferred first: what was opened in a folder is closed before the folder goes. */
export function defer(t: TestContext, action: () => unknown): void {
  let actions = deferred.get(t);
  if (actions === undefined) {
    const mine: (() => unknown)[] = [];
    actions = mine;
    deferred.set(t, mine);
    t.after(async () => {
      for (const each of mine.reverse()) await each();
    });
  }
  actions.push(action);
}
