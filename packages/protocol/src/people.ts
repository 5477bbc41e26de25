// People, devices and presence as they appear in messages.
import { z } from 'zod';
import { addressSchema, domainSchema, isGuestAddress } from './address.ts';

/** One signed-in client of a person; named by the person's own node, unique there, unguessable. */
export type DeviceId = string & { readonly __device: true };
export const deviceIdSchema = z
  .string()
  .regex(/^d_[A-Za-z0-9_-]{16,32}$/)
  .transform((text) => text as DeviceId);

// Control characters and bidirectional overrides have no place in a name that others see.
const displayText = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\u202a-\u202e\u2066-\u2069]+$/u, 'contains control characters');

export const displayNameSchema = displayText(80);

export const personSchema = z
  .strictObject({
    address: addressSchema,
    name: displayNameSchema,
    /** The company as its provider names itself; the domain in the address is what is proven. */
    company: displayNameSchema,
    /** Somebody who came by a link and has typed the name: nobody vouches for it (R3). Exactly for guests' addresses. */
    guest: z.literal(true).optional(),
  })
  .refine(({ address, guest }) => isGuestAddress(address) === (guest === true), 'guests have addresses of guests');
export type Person = z.infer<typeof personSchema>;

/** Names a guest link to those in the call, who may withdraw it; it lets nobody in. */
export const linkIdSchema = z.string().regex(/^g_[A-Za-z0-9_-]{22}$/);

export const providerSchema = z.strictObject({ domain: domainSchema, name: displayNameSchema });
export type Provider = z.infer<typeof providerSchema>;

/** What others see (R14). `in-a-call` and `offline` are derived by the node; the rest a person chooses. */
export const presenceSchema = z.enum(['available', 'away', 'busy', 'do-not-disturb', 'in-a-call', 'offline']);
export type Presence = z.infer<typeof presenceSchema>;
export const chosenPresenceSchema = z.enum(['available', 'away', 'busy', 'do-not-disturb']);

export const contactSchema = z.strictObject({ person: personSchema, presence: presenceSchema });
export type Contact = z.infer<typeof contactSchema>;

/** Which of a person's own sources are on (R66). `camera`: a picture is sent; `screen`: it is that of their screen (R62). */
export const mediaSwitchesSchema = z.strictObject({
  microphone: z.boolean(),
  camera: z.boolean(),
  screen: z.boolean().optional(),
});
export type MediaSwitches = z.infer<typeof mediaSwitchesSchema>;

export function sameSwitches(a: MediaSwitches, b: MediaSwitches): boolean {
  return a.microphone === b.microphone && a.camera === b.camera && (a.screen ?? false) === (b.screen ?? false);
}
