import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { administrator, type Principals } from '../iam/principals.ts';
import type { StackModel } from '../model.ts';
import type { Credentials } from '../sigv4.ts';
import type { State } from '../state.ts';
import { iotArns } from './arns.ts';
import { openAuthority } from './authority.ts';
import { startBroker } from './broker.ts';
import { brokerAccess } from './broker-access.ts';
import { openCertificates } from './certificates.ts';
import { controlPlane } from './control-plane.ts';
import { dataPlane } from './data-plane.ts';
import { startHttpApi } from './http-api.ts';
import { type DeliveryFaults, messageHub } from './message-hub.ts';
import { openPresence } from './presence.ts';
import { defaultShadowLimits, requestLimits, type ShadowLimits } from './request-limits.ts';
import { openShadows } from './shadows.ts';
import { openThingPrincipals } from './thing-principals.ts';
import { openThingTypes } from './thing-types.ts';
import { openThings } from './things.ts';
import { type InvokeAsync, topicRules } from './topic-rules.ts';

export interface IotOptions {
  state: State;
  region: string;
  accountId: string;
  credentials: Credentials;
  /** Those who may sign; absent: whoever has the credentials, and no one else. */
  principals?: Principals;
  policies: StackModel['iotPolicies'];
  thingTypes: StackModel['thingTypes'];
  topicRules: StackModel['topicRules'];
  /** 0 takes a free port. */
  ports: { http: number; mqtt: number };
  /** Called inside the transaction of the message that causes the invocation; must keep it durably. */
  invokeAsync: InvokeAsync;
  /** Dates shadows, events and records. Signatures and TLS go by the system's clock. */
  now?: () => Date;
  newId?: () => string;
  limits?: ShadowLimits;
  faults?: DeliveryFaults;
}

/** The embedded IoT Core: control plane, data plane and MQTT broker. */
export interface EmbeddedIot {
  controlUrl: string;
  dataUrl: string;
  mqtt: { host: string; port: number };
  /** The authority's certificate, for clients of the broker to trust. */
  caPath: string;
  /** Ends connections, tells their ends to the rules, and frees the ports; `state` must still be open. */
  close(): Promise<void>;
}

/**
 * Starts it on 127.0.0.1. All that is kept is in `state`, and the authority's key beside it.
 * @throws Error naming the rule or policy of the stack that cannot be honoured.
 */
export const startIot = async (options: IotOptions): Promise<EmbeddedIot> => {
  const { state, region, accountId, ports } = options;
  const signers = options.principals ?? administrator(options.credentials);
  const now = options.now ?? (() => new Date());
  const newId = options.newId ?? randomUUID;
  const arns = iotArns(region, accountId);
  const certificates = openCertificates(state, now);
  const principals = openThingPrincipals(state);
  const types = openThingTypes(state, now, newId);
  const things = openThings(state, types, principals, newId);
  const shadows = openShadows(state, now);
  const access = brokerAccess({ policies: options.policies, certificates, things, principals, arns });
  const hub = messageHub({
    state,
    shadows,
    rules: topicRules(options.topicRules, options.invokeAsync, now),
    limits: requestLimits(options.limits ?? defaultShadowLimits, now),
    now,
    ...(options.faults && { faults: options.faults }),
  });
  for (const name of options.thingTypes) types.create(name, {}, arns.of('thingtype', name));
  const presence = openPresence(state, hub, now, newId);
  presence.endAbandoned();

  const authority = await openAuthority(join(state.dir, 'iot-authority'));
  const broker = await startBroker({ port: ports.mqtt, authority, certificates, access, hub, presence });
  const routes = [
    ...controlPlane({ state, things, types, principals, certificates, authority, access, broker, arns }),
    ...dataPlane({ hub, shadows, broker, arns, now }),
  ];
  const http = await startHttpApi({ port: ports.http, routes, principals: signers, region, newId }).catch(
    async (error: unknown) => {
      await broker.close();
      throw error;
    },
  );
  return {
    controlUrl: http.url,
    dataUrl: http.url,
    mqtt: { host: '127.0.0.1', port: broker.port },
    caPath: authority.caPath,
    close: async () => {
      await http.close();
      await broker.close();
    },
  };
};
