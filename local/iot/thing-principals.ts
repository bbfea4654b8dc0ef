import type { State } from '../state.ts';

/** Which certificates are attached to which things. */
export interface ThingPrincipals {
  attach(thing: string, certificate: string): void;
  detach(thing: string, certificate: string): void;
  isAttached(thing: string, certificate: string): boolean;
  certificatesOf(thing: string): string[];
  thingsOf(certificate: string): string[];
}

const schema = `
CREATE TABLE IF NOT EXISTS iot_thing_principal (
  thing TEXT NOT NULL, certificate TEXT NOT NULL, PRIMARY KEY (thing, certificate)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS iot_principal_thing ON iot_thing_principal (certificate)`;

/** Opens the attachments kept in `state`. Whether thing and certificate exist is the caller's concern. */
export const openThingPrincipals = ({ db }: State): ThingPrincipals => {
  db.exec(schema);
  const insert = db.prepare('INSERT OR IGNORE INTO iot_thing_principal VALUES (?, ?)');
  const remove = db.prepare('DELETE FROM iot_thing_principal WHERE thing = ? AND certificate = ?');
  const find = db.prepare('SELECT 1 FROM iot_thing_principal WHERE thing = ? AND certificate = ?');
  const certificates = db.prepare(
    'SELECT certificate FROM iot_thing_principal WHERE thing = ? ORDER BY certificate',
  );
  const things = db.prepare('SELECT thing FROM iot_thing_principal WHERE certificate = ? ORDER BY thing');
  return {
    attach: (thing, certificate) => {
      insert.run(thing, certificate);
    },
    detach: (thing, certificate) => {
      remove.run(thing, certificate);
    },
    isAttached: (thing, certificate) => find.get(thing, certificate) !== undefined,
    certificatesOf: (thing) => certificates.all(thing).map((row) => row['certificate'] as string),
    thingsOf: (certificate) => things.all(certificate).map((row) => row['thing'] as string),
  };
};
