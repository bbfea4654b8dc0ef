import { describe, expect, it } from 'vitest';
import type { Conversation } from '../../../scanner/conversation.ts';
import { listenTo } from '../../../scanner/news.ts';
import { smtpShadow } from '../../../shared/messages/shadow.ts';

/** A shadow at version 4; its next report makes version 5, when the test says so. */
const listening = () => {
  let news = 0;
  let made: (version: number) => void = () => undefined;
  const opened: Conversation = {
    shadow: async () => ({ version: 4 }),
    report: () =>
      new Promise((resolve) => {
        made = resolve;
      }),
    artifacts: async () => ({ requestId: '', artifacts: [] }),
    ended: new AbortController().signal,
    close: async () => undefined,
  };
  const { conversation, heard } = listenTo(opened, () => {
    news += 1;
  });
  return { conversation, heard, news: () => news, made: (version: number) => made(version) };
};

describe('a delta', () => {
  it('of a version that was seen is none', async () => {
    const { conversation, heard, news } = listening();
    await conversation.shadow(smtpShadow);
    heard(smtpShadow, { version: 4, state: {} });
    heard(smtpShadow, { version: 3, state: {} });
    expect(news()).toBe(0);
    heard(smtpShadow, { version: 5, state: {} });
    expect(news()).toBe(1);
  });

  it('of an own report is an echo, whether it comes before the answer or after it', async () => {
    const { conversation, heard, news, made } = listening();
    const reporting = conversation.report(smtpShadow, {}, 4);
    heard(smtpShadow, { version: 5, state: {} });
    made(5);
    await reporting;
    heard(smtpShadow, { version: 5, state: {} });
    expect(news()).toBe(0);
  });

  it('of a publisher is news, also when it comes while a report is under way', async () => {
    const { conversation, heard, news, made } = listening();
    const reporting = conversation.report(smtpShadow, {}, 4);
    heard(smtpShadow, { version: 6, state: {} });
    expect(news()).toBe(0);
    made(5);
    await reporting;
    expect(news()).toBe(1);
  });

  it.each([{}, null, { version: 'x' }])('without a version (%j) is news', (delta) => {
    const { heard, news } = listening();
    heard(smtpShadow, delta);
    expect(news()).toBe(1);
  });
});
