import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../local/ports.ts';
import { insider, lacksDns, type NamesWorld, startNamesWorld } from './names-world.ts';

let world: NamesWorld;
let port: number;

/** Last octets of addresses: where mail of each kind is to come from. */
const sources = { local: 41, nonLocal: 42, bound: 43, one: 44, other: 45 };
const at = (name: keyof typeof sources) => world.at(sources[name]);

const send = (from: string, domain?: string) => world.send('outbound', domain, `me@${from}`);

describe.skipIf(lacksDns !== '')(
  `addresses that mail of a Postfix comes from${lacksDns && ` (${lacksDns})`}`,
  () => {
    beforeAll(async () => {
      world = await startNamesWorld();
      port = await freePort('::1');
      await world.open('local', world.at(11), port);
      await world.open('relay', world.at(12), port);
      await world.open('six', '::1', port);
      world.dns.names = {
        'local.example': { A: [world.at(11)] },
        'relay.example': { A: [world.at(12)] },
        'six.example': { AAAA: ['::1'] },
        'mail.example': {
          MX: [
            [10, 'six.example'],
            [20, 'relay.example'],
          ],
        },
      };
      await world.scanner.apply({
        smtp: world.listeners('relay'),
        advanced: { bindings: { local: at('local'), nonLocal: at('nonLocal') } },
        artifacts: {
          'domain-bindings': [
            { domain: 'bound.example', sources: [at('bound')] },
            { domain: 'two.example', sources: [at('one'), at('other')] },
            { domain: 'six-alone.example', sources: ['::1'] },
            // A documentation address (RFC 5737): no host has it.
            { domain: 'lost.example', sources: ['192.0.2.1'] },
          ],
        },
        lists: { outbound: [insider] },
        hosts: {
          'local-delivery': [{ host: 'local.example', port, mxLookup: true, preference: 10 }],
          relay: [{ host: 'mail.example', port, mxLookup: true, preference: 10 }],
        },
      });
    });

    afterAll(() => world?.stop());

    it('inbound mail comes from the local binding', async () => {
      expect(await world.cameFrom(await world.send('inbound'))).toBe(at('local'));
    });

    it('other mail comes from the non-local binding, and a host of the other family is passed over', async () => {
      const to = await send('somewhere.example');
      expect([await world.arrivedAt(to), await world.cameFrom(to)]).toEqual(['relay', at('nonLocal')]);
    });

    it('mail of a domain with a binding of its own comes from there', async () => {
      expect(await world.cameFrom(await send('bound.example'))).toBe(at('bound'));
    });

    it('mail of a domain below it does not', async () => {
      expect(await world.cameFrom(await send('below.bound.example'))).toBe(at('nonLocal'));
    });

    it('mail of a domain with two addresses comes from both, by chance', async () => {
      const seen = new Set<string>();
      for (let count = 0; count < 60 && seen.size < 2; count += 1)
        seen.add(await world.cameFrom(await send('two.example')));
      expect([...seen].sort()).toEqual([at('one'), at('other')]);
    });

    it('mail of a domain whose address is of IPv6 goes to a host of IPv6', async () => {
      const to = await send('six-alone.example');
      expect([await world.arrivedAt(to), await world.cameFrom(to)]).toEqual(['six', '::1']);
    });

    it('mail that cannot have its address waits', async () => {
      expect(await world.waits(await send('lost.example'))).toMatch(/status=deferred/);
    });

    it('mail to a domain with a binding of its own stays inside', async () => {
      const to = await send('somewhere.example', 'bound.example');
      expect([await world.arrivedAt(to), await world.cameFrom(to)]).toEqual(['local', at('local')]);
    });
  },
);
