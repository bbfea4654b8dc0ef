import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * What a piece of work is about: the request that it comes of, the Scanner, the revision. Everything that is logged meanwhile says so, and
 * several pieces that go at the same time do not mix.
 */
export interface Followed {
  /** The request of the API that this comes of; of a file that was dropped, the import. */
  requestId?: string | undefined;
  scannerId?: string | undefined;
  revision?: number | undefined;
  importId?: string | undefined;
  rolloutId?: string | undefined;
  [more: string]: string | number | boolean | undefined;
}

const store = new AsyncLocalStorage<Followed>();

/** Does a piece of work; its log says what it is about, and what the work around it is about. */
export const following = <T>(about: Followed, work: () => T): T =>
  store.run({ ...store.getStore(), ...about }, work);

/** Something more that the present piece of work is about, found out while doing it. */
export const note = (about: Followed): void => {
  Object.assign(store.getStore() ?? {}, about);
};

/** What the present piece of work is about. */
export const followed = (): Readonly<Followed> => store.getStore() ?? {};
