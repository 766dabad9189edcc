// SPDX-License-Identifier: GPL-3.0-or-later
// An OpenID Connect provider for the lab: one client, users from a file, state in memory, keys made at each start.
import { generateKeyPairSync, randomBytes, timingSafeEqual, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Provider, errors } from 'oidc-provider';

const { IDENTITY_ISSUER: issuer, IDENTITY_CLIENT_ID: clientId, IDENTITY_REDIRECT_URIS: redirectUris } = process.env;
const file = (name) => readFileSync(process.env[name], 'utf8').trim();
const users = new Map(Object.entries(JSON.parse(file('IDENTITY_USERS_FILE'))));

const digest = (text) => createHash('sha256').update(text).digest();
const isPassword = (user, given) => timingSafeEqual(digest(user?.password ?? randomBytes(32)), digest(given));
const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const page = (title, body) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>body{font:1rem sans-serif;max-width:22rem;margin:4rem auto}label,button{display:block;margin-top:1rem}</style>
<h1>${title}</h1>${body}</html>`;
const form = (message) =>
  page('Sign in', `<p role="alert">${escaped(message)}</p><form method="post">
<label>Name <input name="name" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>`);

const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    client_secret: file('IDENTITY_CLIENT_SECRET_FILE'),
    redirect_uris: redirectUris.split(/\s+/),
    application_type: 'web',
  }],
  claims: { email: ['email', 'email_verified'], groups: ['groups'], profile: ['name', 'preferred_username'] },
  scopes: ['openid', 'email', 'groups', 'profile'],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_context, interaction) => `/login/${interaction.uid}` },
  jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })] },
  pkce: { required: () => true },
  ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 28800, IdToken: 3600, Interaction: 900, Session: 28800 },
  findAccount: (_context, name) => users.has(name) && {
    accountId: name,
    claims: () => ({
      sub: name, name, preferred_username: name,
      email: users.get(name).email, email_verified: true, groups: users.get(name).groups,
    }),
  },
  // The one client is the platform's own: nobody is asked whether it may know who they are.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
    grant.addOIDCScope('openid email groups profile');
    await grant.save();
    return grant;
  },
  renderError: (context, out) => {
    context.type = 'html';
    context.body = page('Sign-in failed', `<p>${escaped(out.error_description ?? out.error)}</p>`);
  },
});

async function body(request) {
  let text = '';
  for await (const part of request) {
    text += part;
    if (text.length > 4096) throw new errors.InvalidRequest('the form is too long');
  }
  return new URLSearchParams(text);
}

async function login(request, response) {
  await provider.interactionDetails(request, response); // refuses a login that nobody began in this browser
  const given = request.method === 'POST' ? await body(request) : undefined;
  const name = given?.get('name') ?? '';
  if (given && isPassword(users.get(name), given.get('password') ?? '')) {
    await provider.interactionFinished(request, response, { login: { accountId: name } });
    return;
  }
  response.writeHead(given ? 401 : 200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(form(given ? 'This name and password do not belong together.' : ''));
}

const answer = provider.callback();
const server = createServer((request, response) => {
  if (!request.url.startsWith('/login/')) {
    answer(request, response);
    return;
  }
  login(request, response).catch((error) => {
    response.writeHead(error.statusCode ?? 500, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page('Sign-in failed', `<p>${escaped(error.error_description ?? 'The provider failed.')}</p>`));
    if (!error.statusCode) console.error(error);
  });
});
server.listen(9400, () => console.log(`provider of ${issuer} with ${users.size} users, at port 9400`));
process.once('SIGTERM', () => server.close(() => process.exit(0)) && server.closeAllConnections());
