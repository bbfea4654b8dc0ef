import type { Refusal } from '../../refusal.ts';
import { type GuardConfiguration, guardFile } from '../guard-configuration.ts';
import { bindingsOf } from './bindings.ts';
import { authoritiesFile, certificateFile, mainFile, masterFile, receivedFile } from './files.ts';
import { guardOf } from './guard.ts';
import { type Configuration, type RenderInput, readInput } from './input.ts';
import { directionsOf, type Listener, listenersOf } from './listeners.ts';
import { mainCf, type Scene } from './main-cf.ts';
import { masterCf, needsNames } from './master-cf.ts';
import { assertPlace } from './place.ts';
import { receivedChecks, rewritesReceived } from './received.ts';
import { configurationRefusals } from './refusals.ts';
import { externalTransports, internalTransport, type Transport } from './transports.ts';

export interface RenderedFile {
  text: string;
  /** For root alone: a key is in it. */
  secret: boolean;
}

/** Files by their paths in the folder of the version, `guard.json` among them. */
export interface Rendered {
  files: Record<string, RenderedFile>;
  guard: GuardConfiguration;
  listeners: Listener[];
  /** Names of those that look up who connects: they are as slow as DNS is. */
  askingDns: string[];
}

export type Rendering = { refusals: Refusal[] } | Rendered;

const transportsOf = (
  { smtp, hosts, advanced }: Configuration,
  { bindings }: Pick<Scene, 'bindings'>,
): Transport[] => {
  const { maxInternalConnectionsPerServer, maxExternalConnectionsPerAddress } = advanced.delivery;
  const internal = {
    name: internalTransport,
    source: bindings.local,
    processes: maxInternalConnectionsPerServer,
  };
  return [
    ...(smtp.inbound && hosts.localDelivery.length > 0 ? [internal] : []),
    ...externalTransports(bindings, maxExternalConnectionsPerAddress),
  ];
};

const open = (text: string): RenderedFile => ({ text, secret: false });

const tlsFiles = ({ certificates, clientAuthorities }: Configuration, listeners: readonly Listener[]) => {
  const used = listeners.map(({ tls }) => tls).filter(({ accept }) => accept);
  const ids = [...new Set(used.map(({ certificateId }) => certificateId ?? ''))];
  const chains = ids.map((id) => [certificateFile(id), { text: certificates.get(id) ?? '', secret: true }]);
  const asks = used.some(({ clientCertificate }) => clientCertificate !== 'none');
  return {
    ...Object.fromEntries(chains),
    ...(asks ? { [authoritiesFile]: open(clientAuthorities ?? '') } : {}),
  };
};

const filesOf = (scene: Scene, listeners: Listener[], guard: GuardConfiguration): Rendered['files'] => {
  const { configuration, ways } = scene;
  const { advanced, place } = configuration;
  const isRewritten = ways.includes('authentication') && rewritesReceived(advanced.authentication);
  return {
    [mainFile]: open(mainCf(scene)),
    // It names the marker.
    [masterFile]: { text: masterCf(scene, listeners), secret: true },
    ...(isRewritten
      ? { [receivedFile]: { text: receivedChecks(advanced.authentication, place.marker), secret: true } }
      : {}),
    ...tlsFiles(configuration, listeners),
    [guardFile]: open(`${JSON.stringify(guard, null, 2)}\n`),
  };
};

/**
 * Turns a configuration into that of a Postfix and of its guard, or says why these cannot honour it exactly. Pure: equal input makes equal
 * files.
 * @throws TypeError for a place that Postfix cannot have.
 */
export const renderPostfix = (input: RenderInput): Rendering => {
  assertPlace(input.place);
  const configuration = readInput(input);
  if (Array.isArray(configuration)) return { refusals: configuration };
  const listeners = listenersOf(configuration.smtp);
  const { bindings, refusals } = bindingsOf(configuration.smtp, configuration.advanced);
  const all = [...refusals, ...configurationRefusals(configuration, listeners, bindings)];
  if (all.length > 0) return { refusals: all };
  const transports = transportsOf(configuration, { bindings });
  const scene = { configuration, ways: directionsOf(configuration.smtp), bindings, transports };
  const guard = guardOf(configuration, listeners);
  const asking = listeners.filter((one) => needsNames(one, configuration)).map(({ name }) => name);
  return { files: filesOf(scene, listeners, guard), guard, listeners, askingDns: asking };
};
