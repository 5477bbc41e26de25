// What the rest of the node sees of other providers: ask one something, answer when one asks, sign as this domain.
import type { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import type { Domain, LinkMethod, LinkParams, LinkResult, WellKnown } from '@parley/protocol';

export interface FederationEvents {
  /** A link is up, whichever side opened it: what waited for this provider can be sent now. */
  up: [{ domain: Domain }];
  down: [{ domain: Domain }];
}

export interface Federation extends EventEmitter<FederationEvents> {
  /**
   * Sends a request over the link to a provider, opening it if need be. Errors: `provider-unknown`,
   * `provider-unreachable`, `provider-untrusted`, `timed-out` (within the configured deadline), `too-many-requests`
   * when its bounded queue is full, and whatever the other side answered.
   */
  request<M extends LinkMethod>(domain: Domain, method: M, params: LinkParams<M>): Promise<LinkResult<M>>;
  /** Sets the one handler of a request. `from` is proven by the link's handshake. Results are checked before sending. */
  handle<M extends LinkMethod>(
    method: M,
    handler: (from: Domain, params: LinkParams<M>) => Promise<LinkResult<M>> | LinkResult<M>,
  ): void;
  wellKnown(domain: Domain): Promise<WellKnown>;
  /**
   * The text at a URL that a domain has named: never on this machine or its own network, no redirects, bounded in size and
   * time. Errors: `provider-unreachable`, `provider-unknown`, `provider-untrusted`.
   */
  read(url: string, onBehalfOf: Domain): Promise<string>;
  /**
   * A file at the host of a provider's link, on a ticket that is sent as bearer token (RFC 6750 section 2.1): at most so
   * many bytes, or the stream fails. Errors as of `read`; the caller destroys the stream or reads it to its end.
   */
  download(domain: Domain, path: string, ticket: string, maxBytes: number): Promise<Readable>;
  close(): Promise<void>;
}

/** Signs and checks statements of domains: compact JWS, EdDSA, `kid` in the header, `iss` the domain (RFC 7515, 8037). */
export interface DomainSigner {
  readonly domain: Domain;
  /** `type` becomes the `typ` header, so that one kind of statement never passes for another (RFC 8725 section 3.11). */
  sign(type: string, claims: Record<string, unknown>, lifetimeSeconds: number): Promise<string>;
  /** Checks signature, type, issuer, audience and times, by the issuer's published keys. Throws `provider-untrusted`. */
  verify(type: string, token: string, issuer: Domain, audience: string): Promise<Record<string, unknown>>;
}
