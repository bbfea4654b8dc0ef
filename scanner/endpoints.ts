import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { ControlPlaneUnknown } from './control-plane.ts';

/** What `endpoints.json` of a running embedded stack says, as far as a Scanner needs it. */
const endpointsSchema = z.object({
  api: z.string(),
  token: z.string(),
  mqtt: z.object({ host: z.string(), port: z.int() }),
});
export type Endpoints = z.infer<typeof endpointsSchema>;

/** @throws ControlPlaneUnknown when no stack keeps its state in `data`. */
export const readEndpoints = async (data: string): Promise<Endpoints> => {
  const path = join(data, 'endpoints.json');
  try {
    return endpointsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const why = error instanceof z.core.$ZodError ? z.prettifyError(error) : (error as Error).message;
    const start = data === '.local' ? 'npm start' : `npm start -- --data ${data}`;
    const hint = `Start the embedded stack with ${start}, or give --url and --token.`;
    throw new ControlPlaneUnknown(`${path} does not say where the control plane is (${why}). ${hint}`);
  }
};
