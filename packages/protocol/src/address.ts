// Addresses of people: `alice@enterprise1.example`, the `acct:` form of RFC 7565 without its scheme. The domain alone
// says which provider serves the person (R43).
import { z } from 'zod';

/** A person's address, in lower case. Only `parseAddress` and the schema make one. */
export type Address = string & { readonly __address: true };
/** A provider's domain name, in lower case, without a port. */
export type Domain = string & { readonly __domain: true };

const local = /^[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?$/;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function isDomain(text: string): text is Domain {
  return text.length <= 253 && text.split('.').every((part) => label.test(part));
}

function isAddress(text: string): text is Address {
  const at = text.indexOf('@');
  return at > 0 && local.test(text.slice(0, at)) && isDomain(text.slice(at + 1));
}

/**
 * Reads what a person typed as an address: surrounding space, a leading `acct:` and capitals are forgiven.
 * Returns null when it is none (RFC 7565 section 7, narrowed to what every company's directory can hold).
 */
export function parseAddress(text: string): Address | null {
  const candidate = text
    .trim()
    .toLowerCase()
    .replace(/^acct:/, '');
  return isAddress(candidate) ? candidate : null;
}

/** Reads a domain name; null when it is none. */
export function parseDomain(text: string): Domain | null {
  const candidate = text.trim().toLowerCase();
  return isDomain(candidate) ? candidate : null;
}

/** The provider's domain in an address. */
export function domainOf(address: Address): Domain {
  return address.slice(address.indexOf('@') + 1) as Domain;
}

/**
 * What the local part of a guest's address begins with. No person may have such an address, so that a guest's can never be
 * mistaken for one, at whichever provider it is read.
 */
export const GUEST_PREFIX = 'guest+';

/** Whether an address is that of a guest of its domain (R3). */
export function isGuestAddress(address: string): boolean {
  return address.startsWith(GUEST_PREFIX);
}

/** A guest's address out of `random`: lower-case letters and digits, at most 58. */
export function guestAddress(random: string, domain: Domain): Address {
  return addressSchema.parse(`${GUEST_PREFIX}${random}@${domain}`);
}

/** The provider that hosts a conversation: its id ends in `@domain`. */
export function hostOf(conversation: ConversationId): Domain {
  return conversation.slice(conversation.indexOf('@') + 1) as Domain;
}

/** A conversation's id: 128 random bits in base64url, `@`, the host's domain; so it cannot be guessed (R31). */
export type ConversationId = string & { readonly __conversation: true };

function isConversationId(text: string): text is ConversationId {
  return /^[A-Za-z0-9_-]{22}@/.test(text) && isDomain(text.slice(23));
}

export const addressSchema = z
  .string()
  .max(320)
  .regex(/^[a-z0-9][a-z0-9._+-]*@[a-z0-9.-]+$/)
  .refine(isAddress, 'not an address such as alice@company.example')
  .transform((text) => text as Address);

export const domainSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9.-]+$/)
  .refine(isDomain, 'not a domain name')
  .transform((text) => text as Domain);

export const conversationIdSchema = z
  .string()
  .max(280)
  .regex(/^[A-Za-z0-9_-]{22}@[a-z0-9.-]+$/)
  .refine(isConversationId, 'not a conversation id')
  .transform((text) => text as ConversationId);

/**
 * Whom a rule means: `alice@company.example`, `*@company.example`, `*@*.company.example` (every domain below), `*`
 * (everybody).
 */
export const addressPatternSchema = z
  .string()
  .max(320)
  .refine((text) => {
    if (text === '*') return true;
    if (!text.startsWith('*@')) return isAddress(text);
    return isDomain(text.replace(/^\*@(\*\.)?/, ''));
  }, 'must be an address, *@company.example, *@*.company.example or *');

/** Whether a pattern of `addressPatternSchema` means this address. */
export function matchesAddress(pattern: string, address: Address): boolean {
  if (pattern === '*' || pattern === address) return true;
  if (pattern.startsWith('*@*.')) return domainOf(address).endsWith(pattern.slice(3));
  return pattern.startsWith('*@') && domainOf(address) === pattern.slice(2);
}

/** True for `localhost`, every name below it (RFC 6761 section 6.3) and the loopback addresses, as a URL's hostname has them. */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost') || /^127(?:\.\d{1,3}){3}$/.test(name) || name === '[::1]';
}
