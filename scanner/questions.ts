/** Questions under way on one connection, each with a token that its answer carries. */
export interface Questions<Answer> {
  /**
   * Sends a question and waits for its answer. Rejects when it is refused, when `ended` is aborted, or after
   * `patience` milliseconds.
   */
  ask(token: string, ended: AbortSignal, send: () => void): Promise<Answer>;
  /** An answer whose question nobody waits for (a late one, a doubled one) is dropped. */
  answer(token: string | undefined, answer: Answer): void;
  refuse(token: string | undefined, error: Error): void;
}

interface Waiting<Answer> {
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export const questions = <Answer>(patience: number): Questions<Answer> => {
  const waiting = new Map<string, Waiting<Answer>>();

  /** The question with this token, which from now on nobody else can settle. */
  const take = (token: string | undefined): Waiting<Answer> | undefined => {
    const found = token === undefined ? undefined : waiting.get(token);
    if (token !== undefined) waiting.delete(token);
    return found;
  };

  const ask = (token: string, ended: AbortSignal, send: () => void): Promise<Answer> => {
    const late = new Error(`There was no answer within ${patience / 1000} s.`);
    const giveUp = (error: unknown) => take(token)?.reject(error);
    const gone = () => giveUp(ended.reason);
    const timer = setTimeout(giveUp, patience, late);
    ended.addEventListener('abort', gone, { once: true });
    const answered = new Promise<Answer>((resolve, reject) => waiting.set(token, { resolve, reject }));
    if (ended.aborted) gone();
    else send();
    return answered.finally(() => {
      clearTimeout(timer);
      ended.removeEventListener('abort', gone);
    });
  };

  return {
    ask,
    answer: (token, answer) => take(token)?.resolve(answer),
    refuse: (token, error) => take(token)?.reject(error),
  };
};
