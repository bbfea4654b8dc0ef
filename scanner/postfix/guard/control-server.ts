import type { Socket } from 'node:net';
import {
  type ControlAnswer,
  controlRequest,
  type GuardStatus,
  longestControlLine,
} from './control-protocol.ts';
import { lineReader, utf8Of } from './lines.ts';
import { answering } from './unix-server.ts';
import type { VersionStore } from './versions.ts';

export interface Controlled {
  versions: VersionStore;
  /** Versions that have sessions under way. */
  inUse: () => Promise<ReadonlySet<string | null>>;
  status: () => GuardStatus;
  log: (line: string) => void;
}

const act = async (line: string, { versions, inUse, status, log }: Controlled): Promise<ControlAnswer> => {
  try {
    const request = controlRequest.parse(JSON.parse(utf8Of(line)));
    if (request.command === 'load') log(`version ${(await versions.load(request.folder)).name} is loaded`);
    if (request.command === 'use') versions.use(request.version);
    if (request.command === 'keep') versions.keep(request.versions, await inUse());
    return { ok: true, status: status() };
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
};

/** Serves connections of the agent: its commands one after another. */
export const serveControl = (controlled: Controlled): ((socket: Socket) => void) =>
  answering(
    async function* (pieces) {
      const read = lineReader(longestControlLine);
      for await (const piece of pieces)
        for (const line of read(piece)) yield `${JSON.stringify(await act(line, controlled))}\n`;
    },
    (error) => controlled.log(`a command is not answered: ${error.message}`),
  );
