/** What the table says of a Scanner besides its history: its registration, and what was last seen of it. */
export interface Life {
  sk: string;
  epoch?: string;
  decommissionedAt?: string;
  clearedAt?: string;
  createdAt?: string;
}

/** How long clearing away after a Scanner may take, with all its tries, before it is a finding. */
const clearingMs = 3_600_000;

/** How long after its registration a Scanner may lack what workers make. */
const makingMs = 3_600_000;

const lackOf: Record<string, string> = {
  due: 'due: it is not there, so nobody looks at the Scanner whatever happens',
  standing: 'standing: it is not there, so filters, sums of the fleet and rollouts miss the Scanner',
};

/** What each Scanner in service has, and this one, which an earlier version of this project may have registered, has not: sort keys. */
export const lacking = (items: readonly Life[], registration: string, at: Date): string[] => {
  const record = items.find(({ sk }) => sk === registration);
  if (!record || record.decommissionedAt !== undefined) return [];
  if (at.getTime() - Date.parse(record.createdAt ?? '') <= makingMs) return [];
  return Object.keys(lackOf).filter((wanted) => !items.some(({ sk }) => sk === wanted));
};

/** A lack, in words. */
export const told = (lack: string): string => lackOf[lack] ?? lack;

/** What a decommission should have taken away, and has not; of which Scanner, the caller knows. */
export const judgeLife = (items: readonly Life[], registration: string, at: Date): string[] => {
  const record = items.find(({ sk }) => sk === registration);
  const status = items.filter(({ sk }) => sk !== registration);
  if (!record) return status.map(({ sk }) => `${sk}: of a Scanner that is not registered`);
  const { decommissionedAt, clearedAt, epoch } = record;
  if (clearedAt !== undefined)
    return status.map(({ sk }) => `${sk}: of a Scanner that was cleared away at ${clearedAt}`);
  if (decommissionedAt === undefined)
    return status
      .filter((item) => item.epoch !== undefined && item.epoch !== epoch)
      .map(({ sk }) => `${sk}: of an earlier registration of the id; nobody reads it`);
  return at.getTime() - Date.parse(decommissionedAt) > clearingMs
    ? [`it was decommissioned at ${decommissionedAt}, and is not cleared away yet`]
    : [];
};
