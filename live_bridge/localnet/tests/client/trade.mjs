// Buys and sells on a localnet with web3.js 1 and the vendor's own SDK, which builds every instruction; reads the
// program's events with Anchor, and meets the protocol's own errors.
//
// Usage: node trade.mjs READY, where READY is the line that `q50 localnet` prints. Fails where anything is not as it
// should be.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The SDK's module for `import` is not one that Node loads.
const require = createRequire(import.meta.url);
const { OnlinePumpAmmSdk, PUMP_AMM_SDK, PUMP_AMM_PROGRAM_ID, getPumpAmmProgram } = require("@pump-fun/pump-swap-sdk");
const web3 = require("@solana/web3.js");
const BN = require("bn.js");
const { ComputeBudgetProgram, Connection, Keypair, LAMPORTS_PER_SOL, PublicKey, SystemProgram, Transaction } = web3;

const ready = JSON.parse(process.argv[2]);
const wallet = Keypair.fromSecretKey(Uint8Array.from(JSON.parse(readFileSync(ready.keypair, "utf8"))));
const user = wallet.publicKey;
// One URL, as every user gives it: web3.js finds the port of the subscriptions itself.
const connection = new Connection(ready.rpc, "confirmed");
const sdk = new OnlinePumpAmmSdk(connection);
const pool = new PublicKey(ready.pools[0].pool);

const send = (...instructions) =>
  web3.sendAndConfirmTransaction(connection, new Transaction().add(...instructions), [wallet]);

async function refused(what, awaited, ...expected) {
  const error = await awaited.then(
    () => assert.fail(`not refused: ${what}`),
    (error) => error,
  );
  const said = `${error.message} ${JSON.stringify(error.transactionError ?? "")} ${JSON.stringify(error.logs ?? "")}`;
  expected.forEach((words) => assert.ok(said.includes(words), `${what}: ${said}`));
  console.log("refused:", what);
}

console.log("version", (await connection.getVersion())["solana-core"]);

// Whoever is new asks for lamports, and waits until they are there.
const stranger = Keypair.generate();
const airdrop = await connection.requestAirdrop(stranger.publicKey, 2 * LAMPORTS_PER_SOL);
await connection.confirmTransaction({ signature: airdrop, ...(await connection.getLatestBlockhash()) });
assert.equal(await connection.getBalance(stranger.publicKey), 2 * LAMPORTS_PER_SOL);

// The listener is there before the trades, as a bot's is.
const heard = [];
const program = getPumpAmmProgram(connection);
const listener = connection.onLogs(pool, ({ signature }) => heard.push(signature), "confirmed");

const before = await sdk.swapSolanaState(pool, user);
const budget = ComputeBudgetProgram.setComputeUnitLimit({ units: 300_000 });
const bought = await send(budget, ...(await PUMP_AMM_SDK.buyQuoteInput(before, new BN(LAMPORTS_PER_SOL), 1)));
const account = before.userBaseTokenAccount;
const base = new BN((await connection.getTokenAccountBalance(account)).value.amount);
const after = await sdk.swapSolanaState(pool, user);
assert.ok(!base.isZero() && base.eq(before.poolBaseAmount.sub(after.poolBaseAmount)));

// What the program says of it, in its log and by a call to itself, decoded with the vendor's interface.
const landed = await connection.getTransaction(bought, { maxSupportedTransactionVersion: 0 });
const said = landed.meta.logMessages.filter((line) => line.startsWith("Program data: "));
const events = said.map((line) => program.coder.events.decode(line.slice(14))).filter(Boolean);
assert.deepEqual(events.map(({ name }) => name), ["buyEvent"]);
assert.ok(events[0].data.baseAmountOut.eq(base) && events[0].data.poolQuoteTokenReserves.eq(before.poolQuoteAmount));
const parsed = await connection.getParsedTransaction(bought, { maxSupportedTransactionVersion: 0 });
assert.ok(parsed.meta.innerInstructions.some(({ instructions }) => instructions.some(({ program }) => program === "spl-token")));
console.log("bought", base.toString(), "for at most 1 SOL and 1 %");

const sell = await PUMP_AMM_SDK.sellInstructions(after, base, new BN(LAMPORTS_PER_SOL));
await refused("a slippage limit", send(budget, ...sell), "0x1774", "ExceededSlippage");
const sold = await send(budget, ...(await PUMP_AMM_SDK.sellBaseInput(after, base, 1)));
assert.equal((await connection.getTokenAccountBalance(account)).value.amount, "0");
const history = await connection.getSignaturesForAddress(pool, { limit: 2 });
assert.deepEqual(history.map(({ signature }) => signature), [sold, bought]);
for (let waited = 0; heard.length < 2 && waited < 100; waited += 1) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
assert.deepEqual(heard, [bought, sold]);
await connection.removeOnLogsListener(listener);
console.log("sold it again; both were heard of");

const transfer = SystemProgram.transfer({ fromPubkey: user, toPubkey: stranger.publicKey, lamports: 1 });
const aged = new Transaction({ feePayer: user, recentBlockhash: Keypair.generate().publicKey.toBase58() }).add(transfer);
aged.sign(wallet);
await refused("an unknown blockhash", connection.sendRawTransaction(aged.serialize()), "Blockhash not found");
const { blockhash } = await connection.getLatestBlockhash();
const forged = new Transaction({ feePayer: user, recentBlockhash: blockhash }).add(transfer);
forged.addSignature(user, Buffer.alloc(64, 7));
const unverified = forged.serialize({ verifySignatures: false });
await refused("a bad signature", connection.sendRawTransaction(unverified), "signature verification");
await refused("an unknown method", connection._rpcRequest("getWealth", []).then(({ error }) => { throw error; }), "Method not found");
await refused("malformed parameters", connection.getBalance({ toBase58: () => "no address" }), "Invalid param");
process.exit(0);
