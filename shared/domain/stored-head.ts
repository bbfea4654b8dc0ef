import * as z from 'zod/mini';
import { $ZodError } from 'zod/v4/core';
import { defaultAdvanced } from '../schemas/advanced.ts';
import { listNames } from '../schemas/lists.ts';
import { everyList, type Head, readConfiguration, type StoredConfiguration } from './configuration.ts';

const count = z.int().check(z.gte(0));

const reference = z.looseObject({ root: z.string(), entries: count, enabled: count });

const configuration = z.looseObject({
  smtp: z.nullable(z.looseObject({})),
  advanced: z.optional(z.looseObject({})),
  lists: z.record(z.enum(listNames), reference),
  artifacts: z.optional(z.record(z.string(), z.string())),
});

/** A head or a revision as far as everybody relies on it; what the settings hold, their own schema says. */
const shape = z.looseObject({
  scannerId: z.string(),
  revision: z.int().check(z.gte(1)),
  configuration,
  parts: z.record(z.string(), z.int()),
  updatedAt: z.string(),
  updatedBy: z.string(),
});

const told = ({ issues }: $ZodError): string => {
  const [issue] = issues;
  return `${issue?.path.map(String).join('.') || 'the item'}: ${issue?.message}`;
};

const settingsDamage = (stored: StoredConfiguration): string | null => {
  try {
    readConfiguration(stored);
    return null;
  } catch (error) {
    if (error instanceof $ZodError) return `configuration.smtp.${told(error)}`;
    throw error;
  }
};

/** What is wrong with a stored head or revision so that nobody can read it: the first such thing, or null. */
export const damageOf = (stored: unknown): string | null => {
  const parsed = shape.safeParse(stored);
  return parsed.success ? settingsDamage((stored as Head).configuration) : told(parsed.error);
};

/** The same of a configuration alone, as an audit record holds it. */
export const configurationDamageOf = (stored: unknown): string | null => {
  const parsed = configuration.safeParse(stored);
  return parsed.success ? settingsDamage(stored as StoredConfiguration) : told(parsed.error);
};

const none = { root: '', entries: 0, enabled: 0 };

const typed = <T>(value: unknown, type: 'string' | 'number', otherwise: T): T =>
  typeof value === type ? (value as T) : otherwise;

/** What can be said of a Scanner whose head cannot be read: that, and nothing of a configuration. */
export const damagedHead = (scannerId: string, stored: object, damage: string): Head => {
  const { revision, updatedAt, updatedBy } = stored as Partial<Head>;
  const lists = everyList(none);
  return {
    scannerId,
    revision: typed(revision, 'number', 0),
    configuration: { smtp: null, advanced: defaultAdvanced(), lists, artifacts: {} },
    parts: {} as Head['parts'],
    updatedAt: typed(updatedAt, 'string', new Date(0).toISOString()),
    updatedBy: typed(updatedBy, 'string', ''),
    damage,
  };
};
