/** Where a page lies in a list, and the pages that the tab's buttons lead to. */
export interface Page {
  page: number;
  pageSize: number;
  /** Number of its first and last entry, from 1; 0 and 0 in an empty list. */
  from: number;
  to: number;
  totalEntries: number;
  totalPages: number;
  first: number;
  previous?: number;
  next?: number;
  last: number;
  /** Tab row "Navigates to last page of entries or 50 pages ahead". */
  forward: number;
}

const jump = 50;

/** Null for a page past the end. An empty list has one page, which is empty. */
export const pageOf = (totalEntries: number, page: number, pageSize: number): Page | null => {
  const totalPages = Math.max(1, Math.ceil(totalEntries / pageSize));
  if (page > totalPages) return null;
  const start = (page - 1) * pageSize;
  return {
    page,
    pageSize,
    from: totalEntries === 0 ? 0 : start + 1,
    to: Math.min(start + pageSize, totalEntries),
    totalEntries,
    totalPages,
    first: 1,
    ...(page > 1 ? { previous: page - 1 } : {}),
    ...(page < totalPages ? { next: page + 1 } : {}),
    last: totalPages,
    forward: Math.min(totalPages, page + jump),
  };
};
