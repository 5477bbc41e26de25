// What the nodes have logged at their most talkative during all attacks before: nothing of it lets anybody in (R73).
import type { Attack } from './attack.ts';

/** A compact JWS with claims: ID tokens, proofs, passes. */
const SIGNED = /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/;
/** A guest link as it is sent to people. */
const LINK = /\/join#[\w-]{43}/;

export const logAttacks: readonly Attack[] = [
  {
    name: 'somebody who reads the nodes’ logs looks for passwords, sessions, tokens and links',
    by: 'anybody',
    refusedWith: 'none is there',
    async attempt({ log, secrets, erin }) {
      // Both are in use here, whichever attacks were tried before.
      await erin.get('/api/session');
      (await erin.device()).close();
      const text = log();
      if (!text.includes('"msg"')) return 'nothing was logged';
      if (SIGNED.test(text)) return 'a signed token';
      if (LINK.test(text)) return 'a link';
      for (const [secret, what] of secrets) if (text.includes(secret)) return what;
      return 'none is there';
    },
  },
];
