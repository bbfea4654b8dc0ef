type List<T> = (page: {
  limit: number;
  cursor: string | undefined;
}) => Promise<{ items: T[]; nextCursor?: string }>;

/** All pages of a list that is walked with a cursor, one after the other, each of at most `limit`; read as they are asked for. */
export async function* pagesOf<T>(list: List<T>, limit: number): AsyncGenerator<T[], void, void> {
  let cursor: string | undefined;
  do {
    const page: Awaited<ReturnType<List<T>>> = await list({ limit, cursor });
    yield page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
