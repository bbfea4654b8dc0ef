import * as z from 'zod/mini';
import {
  type ArtifactRequest,
  type ArtifactsAccepted,
  artifactsAccepted,
  artifactsRejected,
  artifactTopics,
} from '../shared/messages/artifacts.ts';
import { advancedShadow, inventoryShadow, smtpShadow } from '../shared/messages/shadow.ts';
import { type Link, type LinkOptions, openLink } from './mqtt-link.ts';
import { parsedJson } from './parsed-json.ts';
import { questions } from './questions.ts';

const section = z.record(z.string(), z.unknown());

/** What `get` answers, as far as it is read; a section that is empty is absent (AWS IoT, shadow documents). */
const shadowDocument = z.object({
  state: z.object({ desired: z.optional(section), reported: z.optional(section) }),
  version: z.int(),
});
/** A shadow's sections, and its version, which moves with every update. */
export type Shadow = z.infer<typeof shadowDocument>['state'] & { version: number };

const accepted = z.looseObject({ clientToken: z.optional(z.string()) });
const updated = z.object({ version: z.int() });
const rejected = z.object({
  code: z.int(),
  message: z._default(z.string(), ''),
  clientToken: z.optional(z.string()),
});

/** Shadows that a configuration comes in. */
export const desiredShadows = [advancedShadow, smtpShadow] as const;
export type DesiredShadow = (typeof desiredShadows)[number];
type ShadowName = DesiredShadow | typeof inventoryShadow;

/** The control plane's no to a request. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly code: number | string;

  constructor(what: string, code: number | string, message: string) {
    super(`${what} was refused: ${code} ${message}`);
    this.code = code;
  }
}

/** Everything that a Scanner and the control plane say to each other over one connection. */
export interface Conversation {
  /** A shadow as it is now; null where there is none yet. */
  shadow(name: DesiredShadow): Promise<Shadow | null>;
  /**
   * Changes `reported`; null members are removed. Resolves with the shadow's new version when it is accepted. With a `version` it is refused (409)
   * if the shadow has another by then: so an update that comes late, or twice, changes nothing.
   */
  report(name: ShadowName, reported: object, version?: number): Promise<number>;
  /** Asks for links to objects; gives up when `signal` is aborted. */
  artifacts(request: ArtifactRequest, signal: AbortSignal): Promise<ArtifactsAccepted>;
  readonly ended: AbortSignal;
  close(): Promise<void>;
}

export interface Listener {
  /** A shadow differs from what is reported, as a delta says. It may come late, doubled and out of order. */
  onDelta: (name: DesiredShadow, delta: unknown) => void;
  newId: () => string;
  /** Milliseconds to wait for an answer. */
  patience: number;
}

const shadowTopic = (scannerId: string, name: ShadowName): string =>
  `$aws/things/${scannerId}/shadow/name/${name}`;

type Routes = Record<string, (message: unknown) => void>;

/** Opens a connection and subscribes to all that is ever answered or told on it; gives up when `signal` is aborted. */
export const openConversation = async (
  options: LinkOptions,
  listener: Listener,
  signal: AbortSignal,
): Promise<Conversation> => {
  const { onDelta, newId, patience } = listener;
  const { clientId } = options;
  const topics = artifactTopics(clientId);
  const asked = questions<unknown>(patience);

  const shadowAnswers = (topic: string): Routes => ({
    [`${topic}/accepted`]: (message) => {
      const answer = accepted.safeParse(message);
      if (answer.success) asked.answer(answer.data.clientToken, message);
    },
    [`${topic}/rejected`]: (message) => {
      const answer = rejected.safeParse(message);
      if (!answer.success) return;
      const { clientToken, code, message: why } = answer.data;
      asked.refuse(clientToken, new RequestRefused(`The request to ${topic}`, code, why));
    },
  });

  const artifactAnswers: Routes = {
    [topics.accepted]: (message) => {
      const answer = artifactsAccepted.safeParse(message);
      if (answer.success) asked.answer(answer.data.requestId, answer.data);
    },
    [topics.rejected]: (message) => {
      const answer = artifactsRejected.safeParse(message);
      if (!answer.success) return;
      const { requestId, code, message: why } = answer.data;
      asked.refuse(requestId, new RequestRefused('The request for objects', code, why));
    },
  };

  const desiredRoutes = (name: DesiredShadow): Routes => {
    const topic = shadowTopic(clientId, name);
    return {
      ...shadowAnswers(`${topic}/get`),
      ...shadowAnswers(`${topic}/update`),
      [`${topic}/update/delta`]: (delta) => onDelta(name, delta),
    };
  };

  const routes: Routes = {
    ...Object.assign({}, ...desiredShadows.map(desiredRoutes)),
    ...shadowAnswers(`${shadowTopic(clientId, inventoryShadow)}/update`),
    ...artifactAnswers,
  };

  const hear = (topic: string, text: string) => routes[topic]?.(parsedJson(text));
  const link: Link = await openLink(options, { topics: Object.keys(routes), hear, signal });

  const request = (topic: string, message: object): Promise<unknown> => {
    const clientToken = newId();
    return asked.ask(clientToken, link.ended, () => link.publish(topic, { ...message, clientToken }));
  };

  return {
    async shadow(name) {
      const asking = request(`${shadowTopic(clientId, name)}/get`, {});
      const answer = await asking.catch((error: unknown) => {
        if (error instanceof RequestRefused && error.code === 404) return null;
        throw error;
      });
      if (answer === null) return null;
      const { state, version } = shadowDocument.parse(answer);
      return { ...state, version };
    },
    async report(name, reported, version) {
      const update = { state: { reported }, ...(version === undefined ? {} : { version }) };
      return updated.parse(await request(`${shadowTopic(clientId, name)}/update`, update)).version;
    },
    artifacts: (message, either) =>
      asked.ask(message.requestId, AbortSignal.any([link.ended, either]), () =>
        link.publish(topics.get, message),
      ) as Promise<ArtifactsAccepted>,
    ended: link.ended,
    close: link.close,
  };
};
