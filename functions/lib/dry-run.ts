import type { Answer } from './http.ts';

/** What a handler answers to a call. Of a dry run the answer says so: it looks like that of the write, and may be taken for it. */
export const answerOf = async <C extends { query: unknown }>(
  handle: (call: C) => Promise<Answer>,
  call: C,
): Promise<Answer> => {
  const answer = await handle(call);
  const isDry = (call.query as { dryRun?: boolean } | undefined)?.dryRun === true;
  return isDry ? { ...answer, body: { ...(answer.body as object), dryRun: true } } : answer;
};
