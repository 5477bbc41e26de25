// The pages a person sees at an identity provider: sign in, sign out, something went wrong.
import { type Html, html } from '../html.ts';

export interface Look {
  readonly name: string;
  /** The provider's own colour, as CSS. */
  readonly accent: string;
}

/** A whole page. Its style is a file of its own, so the Content-Security-Policy needs no exception. */
export function page(look: Look, title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – ${look.name}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<p class="brand"><span class="mark" aria-hidden="true">${look.name.slice(0, 1)}</span>${look.name}</p>
${body}
</main>
</body>
</html>
`.html;
}

export interface SignInForm {
  /** Where the form goes. */
  readonly action: string;
  /** Who wants the person to sign in. */
  readonly client: string;
  /** What was typed or hinted as a name. */
  readonly name: string;
  readonly error: string | null;
}

export function signInPage(look: Look, form: SignInForm): string {
  const { name, error } = form;
  const cursor = (here: boolean) => (here ? html` autofocus` : null);
  return page(
    look,
    error === null ? 'Sign in' : 'Not signed in',
    html`<h1>Sign in</h1>
<p class="note">to go on to ${form.client}</p>
<form method="post" action="${form.action}">
${error === null ? null : html`<p class="error" id="error" role="alert">${error}</p>`}
<label for="name">Name or e-mail</label>
<input id="name" name="name" value="${name}" required maxlength="200" autocomplete="username" autocapitalize="none"
 spellcheck="false"${error === null ? null : html` aria-invalid="true" aria-describedby="error"`}${cursor(name === '')}>
<label for="password">Password</label>
<input id="password" name="password" type="password" required maxlength="200"
 autocomplete="current-password"${error === null ? null : html` aria-invalid="true" aria-describedby="error"`}${cursor(name !== '')}>
<button type="submit">Sign in</button>
<button type="submit" class="quiet" name="cancel" value="yes" formnovalidate>Cancel</button>
</form>`,
  );
}

/** `form` is oidc-provider's own: it carries the secret that confirms the sign-out. */
export function signOutPage(look: Look, form: Html): string {
  return page(
    look,
    'Sign out',
    html`<h1>Sign out of ${look.name}?</h1>
${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button type="submit" form="op.logoutForm" class="quiet">Stay signed in</button>`,
  );
}

export function messagePage(look: Look, title: string, text: string): string {
  return page(look, title, html`<h1>${title}</h1><p class="note" role="alert">${text}</p>`);
}

export function style(look: Look): string {
  return `
:root { color-scheme: light dark; --accent: ${look.accent}; }
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100dvh; display: grid; place-items: center; padding: 1rem;
  font: 1rem/1.5 system-ui, sans-serif; color: light-dark(#1c2230, #e8ebf2);
  background: light-dark(#f2f4f8, #12151c);
}
main {
  width: min(24rem, 100%); padding: 2rem; border-radius: 1rem; background: light-dark(#fff, #1b202a);
  border: 1px solid light-dark(#dfe3eb, #2c3340); box-shadow: 0 1rem 3rem rgb(0 0 0 / 8%);
}
.brand { display: flex; align-items: center; gap: .6rem; margin: 0 0 1.5rem; font-weight: 600; }
.mark {
  display: grid; place-items: center; width: 2.25rem; height: 2.25rem; border-radius: .6rem;
  color: #fff; background: var(--accent); font-size: 1.1rem;
}
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; }
.note { margin: .25rem 0 1.5rem; color: light-dark(#566076, #a3adbf); overflow-wrap: anywhere; }
label { display: block; margin: 1rem 0 .3rem; font-weight: 500; }
input {
  width: 100%; padding: .65rem .8rem; font: inherit; color: inherit; border-radius: .6rem;
  border: 1px solid light-dark(#8b94a7, #6a748a); background: light-dark(#fff, #12151c);
}
button {
  width: 100%; margin-top: 1.25rem; padding: .7rem; font: inherit; font-weight: 600; border: 1px solid transparent;
  border-radius: .6rem; color: #fff; background: var(--accent); cursor: pointer;
}
button.quiet { margin-top: .6rem; color: inherit; background: none; border-color: light-dark(#c4cad6, #3d4656); }
:is(input, button):focus-visible { outline: 3px solid color-mix(in srgb, var(--accent) 55%, transparent); outline-offset: 2px; }
.error {
  margin: 0; padding: .7rem .9rem; border-radius: .6rem; color: light-dark(#8c1420, #ffc9cd);
  background: light-dark(#fdecee, #43181d); border: 1px solid light-dark(#f0b9be, #7c2b33);
}
`;
}
