// Decides by `Origin` and `Host` whether a request comes from a page of this company's app. This is what keeps other
// web sites from using a person's session (cross-site request forgery, cross-site WebSocket hijacking). Pure.
import { matchesOrigin, type OriginPattern, parseOriginPattern } from '../config/origins.ts';

export interface RequestOrigin {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

export interface OriginGuard {
  /** The first configured origin: the address the node gives to others. */
  readonly canonical: string;
  /** The origin at which this request was made, from its `Host`; null if that is none of ours. */
  originOf(headers: RequestOrigin): string | null;
  /**
   * Whether a request that changes something, or opens a socket, may go on. Browsers always say where such a request
   * comes from, so one that says nothing is from a program; whether that will do is the caller's decision.
   */
  permits(headers: RequestOrigin, whenSilent: 'permit' | 'refuse'): boolean;
}

/** @param port the port that is listened on; stands for port 0 in the configured origins. */
export function createOriginGuard(origins: readonly string[], port: number): OriginGuard {
  const patterns = origins.map((text) => {
    const pattern = parseOriginPattern(text);
    if (!pattern) throw new Error(`http.origins: ${text} is not an origin`);
    return pattern.port === '0' ? { ...pattern, port: effectivePort(pattern, port) } : pattern;
  });
  const [first] = patterns;
  if (!first) throw new Error('http.origins is empty');

  const originOf = ({ host }: RequestOrigin): string | null => {
    if (host === undefined) return null;
    for (const pattern of patterns) {
      const candidate = `${pattern.protocol}//${host.toLowerCase()}`;
      if (matchesOrigin(pattern, candidate)) return candidate;
    }
    return null;
  };
  return {
    canonical: `${first.protocol}//${first.host}${first.port && `:${first.port}`}`,
    originOf,
    permits(headers, whenSilent) {
      if (originOf(headers) === null) return false;
      const { origin } = headers;
      if (origin === undefined) return whenSilent === 'permit';
      return patterns.some((pattern) => matchesOrigin(pattern, origin));
    },
  };
}

function effectivePort(pattern: OriginPattern, port: number): string {
  return new URL(`${pattern.protocol}//x:${port}`).port;
}
