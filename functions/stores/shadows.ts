import {
  DeleteConnectionCommand,
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  ListNamedShadowsForThingCommand,
  PublishCommand,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import { calling } from './faults.ts';
import { iotData } from './iot.ts';

export interface ShadowDocument {
  state: { desired?: Record<string, unknown>; reported?: Record<string, unknown> };
  version: number;
}

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** The shadow, or null where the thing has none of this name. */
export const getShadow = async (thingName: string, shadowName: string): Promise<ShadowDocument | null> => {
  const get = new GetThingShadowCommand({ thingName, shadowName });
  const answer = await calling<{ payload?: Uint8Array } | 'none'>(iotData.send(get), (error) =>
    error.name === 'ResourceNotFoundException' ? 'none' : undefined,
  );
  return answer === 'none' ? null : (JSON.parse(textOf(answer.payload)) as ShadowDocument);
};

/**
 * Updates a shadow, on the condition that it still has `version` where one is given. Answers the new version, or null when the
 * shadow has moved meanwhile (409).
 */
export const updateShadow = async (
  thingName: string,
  shadowName: string,
  state: object,
  version?: number,
): Promise<number | null> => {
  const payload = JSON.stringify({ state, ...(version === undefined ? {} : { version }) });
  const update = new UpdateThingShadowCommand({
    thingName,
    shadowName,
    payload: new TextEncoder().encode(payload),
  });
  const answer = await calling<{ payload?: Uint8Array } | 'moved'>(iotData.send(update), (error) =>
    error.name === 'ConflictException' ? 'moved' : undefined,
  );
  return answer === 'moved' ? null : (JSON.parse(textOf(answer.payload)) as { version: number }).version;
};

/** Sends a message to whoever subscribes to `topic`, at least once. */
export const publishMessage = async (topic: string, message: object): Promise<void> => {
  const payload = new TextEncoder().encode(JSON.stringify(message));
  await calling(iotData.send(new PublishCommand({ topic, qos: 1, payload })));
};

const absent = (error: Error) => (error.name === 'ResourceNotFoundException' ? true : undefined);

/** Ends the connection of a client, its session and what waits for it there, without its last will; where there is none it is no error. */
export const closeConnection = async (clientId: string): Promise<void> => {
  const close = new DeleteConnectionCommand({ clientId, cleanSession: true, preventWillMessage: true });
  await calling<unknown>(iotData.send(close), absent);
};

/** Deletes every named shadow of a thing, whatever they are called; none is no error. */
export const deleteShadows = async (thingName: string): Promise<void> => {
  for (;;) {
    const { results = [] } = await calling(
      iotData.send(new ListNamedShadowsForThingCommand({ thingName, pageSize: 100 })),
    );
    if (results.length === 0) return;
    for (const shadowName of results)
      await calling<unknown>(iotData.send(new DeleteThingShadowCommand({ thingName, shadowName })), absent);
  }
};
