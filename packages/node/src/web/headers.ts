// The security headers of every answer. Pure.

/**
 * @param origin the origin at which the request was made, or null when its `Host` is none of ours. WebSockets to it are
 *   named in full because not every browser counts them as 'self' (Content Security Policy Level 3, section 6.7.2.8).
 * @param oneMachine whether other companies are on this machine too (`federation.hosts`).
 */
export function securityHeaders(origin: string | null, oneMachine = false): Record<string, string> {
  const sockets = origin === null ? '' : ` ${origin.replace(/^http/, 'ws')}`;
  const policy = [
    "default-src 'self'",
    // Other companies' documents and issuers' keys are fetched by each client itself, to verify who speaks.
    `connect-src 'self'${sockets} https:${oneMachine ? ' http://*.localhost:*' : ''}`,
    "img-src 'self' data: blob:",
    "media-src 'self' blob: mediastream:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  const headers: Record<string, string> = {
    'content-security-policy': policy.join('; '),
    'permissions-policy':
      'camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
  if (origin?.startsWith('https:')) headers['strict-transport-security'] = 'max-age=31536000';
  return headers;
}
