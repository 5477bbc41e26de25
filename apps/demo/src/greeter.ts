// The page that greets whoever has typed `npm start`: what to do, as whom, and a window for each person.
import { createServer } from 'node:http';
import { type Html, html } from './html.ts';
import { listen } from './listen.ts';

export interface GreeterCompany {
  readonly name: string;
  readonly domain: string;
  /** Which of the two looks its card has. */
  readonly colour: 'teal' | 'rust';
  readonly app: string;
  readonly origin: string;
  readonly people: readonly { name: string; address: string; password: string; link: string; note: string | null }[];
}

/** Serves the page on `port`. Rejects with a sentence naming the port if it is taken. */
export async function startGreeter(
  port: number,
  host: string,
  companies: readonly GreeterCompany[],
): Promise<{ stop(): Promise<void> }> {
  const files: Record<string, { type: string; text: string }> = {
    '/': { type: 'text/html', text: greeting(companies) },
    '/style.css': { type: 'text/css', text: style },
    '/windows.js': { type: 'text/javascript', text: script },
  };
  const server = createServer((request, response) => {
    const file = files[new URL(request.url ?? '/', 'http://localhost').pathname];
    response.writeHead(file ? 200 : 404, {
      'content-type': `${file?.type ?? 'text/plain'}; charset=utf-8`,
      'content-security-policy':
        "default-src 'none'; style-src 'self'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    response.end(file?.text ?? 'There is nothing here.');
  });
  await listen(server, port, host, 'the page that greets you');
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function greeting(companies: readonly GreeterCompany[]): string {
  const nameOf = (company: number, person: number) => companies[company]?.people[person]?.name.split(' ')[0] ?? '';
  const [first, second, third, outside] = [nameOf(0, 0), nameOf(0, 1), nameOf(0, 2), nameOf(1, 0)];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Parley on this machine</title>
<link rel="stylesheet" href="/style.css">
<script src="/windows.js" defer></script>
</head>
<body>
<header>
<h1>Parley is running on this machine</h1>
<p>Two companies, each with a server, a directory, accounts and an app of its own. Be several people at once: every
button below opens a window that is signed in as that person.</p>
</header>
<main>
<ol class="steps">
<li><strong>Open two people.</strong> Say ${outside} and ${first}: they work for different companies. Allow camera and
microphone when the browser asks.</li>
<li><strong>Call.</strong> In ${outside}’s window, look for ${first} among the contacts or by address, and call. Answer in
${first}’s window. Sound and picture go straight from one to the other.</li>
<li><strong>Add a third.</strong> Open ${second} or ${third}. In ${first}’s window, add that person. The running call
moves into a conference, and nobody dials again.</li>
</ol>
<div class="companies">
${companies.map(company)}
</div>
</main>
<footer>
<p>Headphones or distance help: with several windows on one machine the microphones hear the loudspeakers.
Ctrl-C in the terminal ends everything; accounts and history are kept in <code>data/</code>.</p>
</footer>
</body>
</html>
`.html;
}

function company({ name, domain, colour, app, origin, people }: GreeterCompany): Html {
  // Colours come by class because the policy forbids style attributes.
  return html`<section class="${colour}">
<h2>${name}</h2>
<p class="where"><code>${domain}</code> · ${app} · <a href="${origin}/" target="_blank" rel="noopener">sign in with a
password</a></p>
<ul>
${people.map(
  (person) => html`<li>
<div><strong>${person.name}</strong><code>${person.address}</code><span class="small">password
<code>${person.password}</code></span>${person.note === null ? null : html`<span class="small">${person.note}</span>`}</div>
<a class="open" href="${person.link}" target="_blank" rel="noopener" data-window="${person.address}">Open
<span class="hidden">a window as ${person.name}</span></a>
</li>
`,
)}</ul>
</section>
`;
}

const script = `// Opens each person in a window of their own, so that several fit on one screen. Without it the links open tabs.
let opened = 0;
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-window]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const width = Math.min(960, Math.round(screen.availWidth / 2)), height = Math.min(760, screen.availHeight);
  const left = (opened % 2) * (screen.availWidth - width), top = Math.floor(opened / 2) % 2 * 60;
  const features = \`popup,width=\${width},height=\${height},left=\${left},top=\${top}\`;
  if (!window.open(link.href, link.dataset.window, features)) return;
  opened += 1;
  event.preventDefault();
});
`;

const style = `
:root { color-scheme: light dark; --line: light-dark(#dfe3eb, #2c3340); --soft: light-dark(#566076, #a3adbf); }
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 62rem; padding: clamp(1.25rem, 4vw, 3.5rem) 1.25rem; font: 1rem/1.55 system-ui, sans-serif;
  color: light-dark(#1c2230, #e8ebf2); background: light-dark(#f2f4f8, #12151c);
}
h1 { margin: 0 0 .5rem; font-size: clamp(1.6rem, 4vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em; }
header p { max-width: 44rem; margin: 0 0 2rem; color: var(--soft); font-size: 1.1rem; }
.steps { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; padding: 0; margin: 0 0 2rem; list-style: none; counter-reset: step; }
.steps li { counter-increment: step; padding-top: .9rem; border-top: 2px solid var(--line); color: var(--soft); }
.steps li::before { content: counter(step); display: block; font-weight: 700; color: light-dark(#0b6a88, #6cc8e4); }
.steps strong { display: block; color: light-dark(#1c2230, #e8ebf2); }
.companies { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1.25rem; align-items: start; }
section { padding: 1.4rem; border-radius: 1rem; border: 1px solid var(--line); border-top: .35rem solid var(--accent); background: light-dark(#fff, #1b202a); }
section.teal { --accent: #0b6a88; } section.rust { --accent: #a83f1f; }
h2 { margin: 0; font-size: 1.3rem; }
.where { margin: .1rem 0 .8rem; color: var(--soft); font-size: .92rem; }
ul { margin: 0; padding: 0; list-style: none; }
ul li { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .8rem 0; border-top: 1px solid var(--line); }
ul li > div { display: flex; flex-direction: column; min-width: 0; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.small { font-size: .88rem; color: var(--soft); }
a { color: light-dark(#0b6a88, #6cc8e4); }
.open { flex: none; padding: .55rem 1.1rem; border-radius: .6rem; font-weight: 600; text-decoration: none; color: #fff; background: var(--accent); }
.open:hover { filter: brightness(1.1); }
:is(a, button):focus-visible { outline: 3px solid color-mix(in srgb, var(--accent, #0b6a88) 55%, transparent); outline-offset: 2px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
footer { margin-top: 2rem; color: var(--soft); font-size: .92rem; }
`;
