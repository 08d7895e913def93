// The peer of `make bench` that runs on Fastify: @fastify/jwt checks a token and caches that, and
// @fastify/rate-limit counts its calls. PEER_PROCESSES=2 runs two processes with separate counts.
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import jwt from '@fastify/jwt'
import rateLimit from '@fastify/rate-limit'

const { PEER_KEY, PEER_ISSUER, PEER_BODY, PEER_LISTEN, PEER_PROCESSES } = process.env
const tokens = 10000 // in the caches, more than bench uses

async function serve() {
  const body = readFileSync(PEER_BODY)
  const app = Fastify()
  await app.register(jwt, {
    secret: { public: readFileSync(PEER_KEY) },
    verify: {
      algorithms: ['ES256'],
      allowedIss: PEER_ISSUER,
      requiredClaims: ['exp', 'jti'],
      cache: tokens,
      extractToken: (request) => request.query.access_token,
    },
  })
  await app.register(rateLimit, {
    global: false,
    max: 1_000_000_000, // never reached
    timeWindow: '1 day',
    cache: tokens,
    hook: 'preHandler',
    keyGenerator: (request) => request.user.jti,
  })
  app.get('/v1/items/:id', {
    onRequest: (request) => request.jwtVerify(),
    config: { rateLimit: {} },
  }, (_, reply) => reply.type('text/javascript; charset=utf-8').send(body))
  const colon = PEER_LISTEN.lastIndexOf(':')
  await app.listen({ host: PEER_LISTEN.slice(0, colon), port: Number(PEER_LISTEN.slice(colon + 1)) })
}

const processes = Number(PEER_PROCESSES ?? 1)
if (processes > 1 && cluster.isPrimary) {
  for (let i = 0; i < processes; i++) cluster.fork()
} else {
  await serve()
}
