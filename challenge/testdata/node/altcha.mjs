// Solves our challenges and verifies our solutions by an unchanged altcha-lib.
// Reads [{parameters, solution}] from standard input, writes for each what it
// found itself and what it says of ours.
import { solveChallenge, verifySolution } from 'altcha-lib';
import { deriveKey as node } from 'altcha-lib/algorithms/pbkdf2';
import { deriveKey as web } from 'altcha-lib/algorithms/web/pbkdf2';
import { createHmac, webcrypto } from 'node:crypto';
import { text } from 'node:stream/consumers';

globalThis.crypto ??= webcrypto; // Node 18 has no global one

const hmacSignatureSecret = 'of this test';

// sign makes our parameters into a challenge that the library takes for its
// own: its signature is over the parameters as JSON, members in order.
function sign(parameters) {
  const signature = createHmac('sha256', hmacSignatureSecret).update(JSON.stringify(parameters)).digest('hex');
  return { parameters, signature };
}

const found = [];
for (const { parameters, solution } of JSON.parse(await text(process.stdin))) {
  const challenge = sign(parameters);
  const verdict = (solution) => verifySolution({ challenge, solution, deriveKey: node, hmacSignatureSecret });
  found.push({
    node: await solveChallenge({ challenge, deriveKey: node }),
    web: await solveChallenge({ challenge, deriveKey: web }),
    ours: await verdict(solution),
    wrong: await verdict({ ...solution, counter: solution.counter + 1 }),
  });
}
console.log(JSON.stringify(found));
