import { AppError, type Problem, type Warning } from '../errors.ts';
import type { Acknowledgement } from '../schemas/common.ts';
import type { AccessEntry, AccessListName, ListReference } from '../schemas/lists.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import type { Configuration } from './configuration.ts';
import { isValidComment, mayOpenRelay, parseEntry } from './lists/entry.ts';
import type { Touched } from './lists/local-edit.ts';
import type { EntryChange } from './lists/merge.ts';
import { sortEntries } from './lists/order.ts';

/** What an edit asks for, judged: its changes sorted and one a value, and everything that is wrong. */
export interface JudgedEdit {
  changes: EntryChange[];
  /** Where the request says each value, by its one form. */
  pointers: ReadonlyMap<string, string>;
  /** Values that were given more than once; of these the last counts. */
  duplicates: number;
  normalized: { input: string; value: string }[];
  problems: Problem[];
}

/** What a request says of one value. */
export interface Asked {
  pointer: string;
  value: string;
  enabled?: boolean | undefined;
  comment?: string | undefined;
  /** The value is to be taken out. */
  gone?: true;
}

const openRelayMessage = (list: AccessListName): string =>
  list === 'outbound'
    ? 'A network this wide on the outbound list may make an open relay.'
    : 'A network this wide lets in a large part of the Internet; on the outbound list it may make an open relay.';
const takesOpenRelay = ' To take it, add acknowledge=open-relay to the query.';

interface Judging extends JudgedEdit {
  pointers: Map<string, string>;
}

const judgeOne = (asked: Asked, judged: Judging, found: Map<string, EntryChange>): void => {
  const entry = parseEntry(asked.value);
  if (asked.comment !== undefined && !isValidComment(asked.comment))
    judged.problems.push({
      pointer: asked.pointer.replace(/value$/, 'comment'),
      code: 'COMMENT_INVALID',
      message: 'A comment has up to 255 characters and no control characters.',
    });
  if (!entry.ok) {
    const { code, message, suggestion } = entry;
    judged.problems.push({ pointer: asked.pointer, code, message, ...(suggestion ? { suggestion } : {}) });
    return;
  }
  if (entry.value !== asked.value) judged.normalized.push({ input: asked.value, value: entry.value });
  if (found.has(entry.value)) judged.duplicates += 1;
  const { ok: _, ...parsed } = entry;
  judged.pointers.set(entry.value, asked.pointer);
  found.set(entry.value, {
    ...parsed,
    ...(asked.gone ? { gone: true } : {}),
    ...(asked.enabled === undefined ? {} : { enabled: asked.enabled }),
    ...(asked.comment === undefined ? {} : { comment: asked.comment }),
  });
};

/** Judges every value of an edit; all that is wrong is told at once, with its pointer. */
export const judgeEdit = (asked: readonly Asked[]): JudgedEdit => {
  const judged: Judging = { changes: [], pointers: new Map(), duplicates: 0, normalized: [], problems: [] };
  const found = new Map<string, EntryChange>();
  for (const one of asked) judgeOne(one, judged, found);
  judged.changes = sortEntries([...found.values()]);
  return judged;
};

/** What a merge patch of an entry may say; null takes the comment away. */
export interface EntryPatch {
  value?: string | undefined;
  enabled?: boolean | undefined;
  comment?: string | null | undefined;
}

/** Judges a patch of an entry: under a new value it is another entry, with the attributes of the old one that the patch does not give. */
export const judgePatch = (entry: AccessEntry, patch: EntryPatch): JudgedEdit => {
  const comment = patch.comment === null ? '' : patch.comment;
  const { value = entry.value } = patch;
  const wanted = { enabled: patch.enabled ?? entry.enabled, comment: comment ?? entry.comment };
  const parsed = parseEntry(value);
  const moves = parsed.ok && parsed.value !== entry.value;
  const asked: Asked[] = [{ pointer: '/value', value, ...wanted }];
  const judged = judgeEdit(
    moves ? [{ pointer: '/query/value', value: entry.value, gone: true }, ...asked] : asked,
  );
  const pointer = patch.value === undefined ? '/enabled' : '/value';
  return { ...judged, pointers: new Map(judged.changes.map((change) => [change.value, pointer])) };
};

/**
 * What wide networks mean that an edit, a copy or a restore leaves in a list: on outbound, one that was not let in before is a problem unless
 * acknowledged, whether it is added, enabled or made of another (DESIGN 4); one that was let in already, and any on other lists, is a warning.
 */
export const relayVerdict = (
  list: AccessListName,
  touched: readonly Touched[],
  pointers: ReadonlyMap<string, string>,
  acknowledged: readonly Acknowledgement[],
): { problems: Problem[]; warnings: Warning[] } => {
  const refuses = list === 'outbound' && !acknowledged.includes('open-relay');
  const wide = touched.filter(({ after }) => after?.enabled && mayOpenRelay(after));
  const told = wide.map(({ value, before }) => {
    const refused = refuses && !before?.enabled;
    const message = `${value}: ${openRelayMessage(list)}${refused ? takesOpenRelay : ''}`;
    return {
      refused,
      said: { pointer: pointers.get(value) ?? '/entries', code: 'OPEN_RELAY' as const, message },
    };
  });
  return {
    problems: told.filter(({ refused }) => refused).map(({ said }) => said),
    warnings: told.filter(({ refused }) => !refused).map(({ said }) => said),
  };
};

/** True when the list decides who may connect: always on outbound, elsewhere while its section accepts only listed clients. */
export const isActive = (settings: SmtpSettings | null, list: AccessListName): boolean => {
  if (list === 'outbound') return true;
  if (list === 'inbound') return settings?.inbound?.accept === 'listed';
  return settings?.authentication?.enabled === true && settings.authentication.accept === 'listed';
};

/** True when activating can make the list decide: its section is there (and authentication is enabled). */
export const canActivate = (settings: SmtpSettings | null, list: AccessListName): boolean => {
  if (list === 'outbound') return true;
  return list === 'inbound' ? settings?.inbound !== undefined : settings?.authentication?.enabled === true;
};

/** LIST_NOT_ACTIVE: the section of the list does not accept only what is listed, with what to do about it. */
export const notActive = (settings: SmtpSettings | null, list: AccessListName): AppError =>
  new AppError(
    'LIST_NOT_ACTIVE',
    canActivate(settings, list)
      ? `The ${list} section accepts all clients. Set its "accept" to "listed", or import with "activate", which does.`
      : `There is no ${list} section, or it is switched off. Save one with "accept": "listed" first.`,
  );

const activated = (settings: SmtpSettings | null, list: AccessListName): SmtpSettings | null => {
  if (!settings) return null;
  const { inbound, authentication } = settings;
  if (list === 'inbound' && inbound) return { ...settings, inbound: { ...inbound, accept: 'listed' } };
  if (list === 'authentication' && authentication)
    return { ...settings, authentication: { ...authentication, accept: 'listed' } };
  return settings;
};

/** The configuration with a list replaced, and its section switched to accept only what is listed where that is asked. */
export const withList = (
  configuration: Configuration,
  list: AccessListName,
  reference: ListReference,
  activate = false,
): Configuration => ({
  ...configuration,
  smtp: activate ? activated(configuration.smtp, list) : configuration.smtp,
  lists: { ...configuration.lists, [list]: reference },
});
