/** One office for all tests of a file: an office of its own for each would cost a second or two. */
import { after, before, type TestContext } from 'node:test';
import { type OfficeRequest, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { type Answer, ask, type Question } from './ask.ts';

export interface SharedOffice {
  /** Once the tests run. */
  readonly office: TrialOffice;
  /** Asks the http service. */
  plain(path: string, question?: Question): Promise<Answer>;
  /** Asks the https service. */
  secure(path: string, question?: Question): Promise<Answer>;
}

export function sharedOffice(request: OfficeRequest): SharedOffice {
  let office: TrialOffice | undefined;
  const ends: (() => Promise<void>)[] = [];
  before(async () => {
    const context = { after: (end: () => Promise<void>) => ends.push(end) };
    office = await trialOffice(context as unknown as TestContext, request);
  });
  after(async () => {
    for (const end of ends) await end();
  });
  const running = () => {
    if (office === undefined) throw new Error('the office has not started');
    return office;
  };
  return {
    get office() {
      return running();
    },
    plain: (path, question = {}) => ask(running().port('http'), path, question),
    secure: (path, question = {}) => ask(running().port('https'), path, { ...question, secure: true }),
  };
}
