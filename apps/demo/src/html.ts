// Text into HTML, safely: everything put into a template is escaped unless it is itself a piece of HTML.

/** A piece of HTML that may be put into another as it is. Only `html` makes one. */
export interface Html {
  readonly html: string;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Template tag: strings are escaped, pieces and lists of pieces are put in, null and undefined leave nothing. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[] | null | undefined)[]
): Html {
  let text = parts[0] ?? '';
  values.forEach((value, i) => {
    text += asText(value) + (parts[i + 1] ?? '');
  });
  return { html: text };
}

function asText(value: string | number | Html | readonly Html[] | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object') return 'html' in value ? value.html : value.map(asText).join('');
  return String(value).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
