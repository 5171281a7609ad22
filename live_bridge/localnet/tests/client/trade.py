"""Buys and sells on a localnet with solana-py, reads the program's events, and meets the protocol's own errors.

Usage: trade.py READY, where READY is the line that `q50 localnet` prints. Nothing here is ours but the instructions'
accounts: whatever the client asks for, it asks as it would ask mainnet. Exits 1 where anything is not as it should be.
"""

import asyncio
import base64
import json
import struct
import sys

from solana.rpc.async_api import AsyncClient
from solana.rpc.core import RPCException
from solana.rpc.models import TxOpts
from solana.rpc.websocket_api import SolanaWsClient
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

AMM = Pubkey.from_string("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA")
FEES = Pubkey.from_string("pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ")
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
BUY_EXACT_QUOTE_IN = bytes.fromhex("c62e1552b4d9e870")
SELL = bytes.fromhex("33e685a4017f83ad")
BUY_EVENT = bytes.fromhex("67f4521f2cf57777")
SELL_EVENT = bytes.fromhex("3e2f370aa503dc2a")
SOL = 1_000_000_000


def derive(program, *seeds):
    return Pubkey.find_program_address([bytes(seed) for seed in seeds], program)[0]


def token_account(owner, mint):
    return derive(ASSOCIATED, owner, TOKEN, mint)


class Market:
    """A pool, and the accounts of a trade on it."""

    def __init__(self, address, pool, config):
        key = lambda data, at: Pubkey.from_bytes(data[at : at + 32])
        self.address, self.base, self.quote = address, key(pool, 43), key(pool, 75)
        self.base_vault, self.quote_vault = key(pool, 139), key(pool, 171)
        self.creator = derive(AMM, b"creator_vault", key(pool, 211))
        self.protocol, self.buyback = key(config, 57), key(config, 643)

    def trade(self, user, data, is_buy):
        read = lambda key: AccountMeta(key, False, False)
        write = lambda key: AccountMeta(key, False, True)
        accumulator = derive(AMM, b"user_volume_accumulator", user)
        accounts = [
            write(self.address),
            AccountMeta(user, True, True),
            read(derive(AMM, b"global_config")),
            read(self.base),
            read(self.quote),
            write(token_account(user, self.base)),
            write(token_account(user, self.quote)),
            write(self.base_vault),
            write(self.quote_vault),
            read(self.protocol),
            write(token_account(self.protocol, self.quote)),
            read(TOKEN),
            read(TOKEN),
            read(SYSTEM),
            read(ASSOCIATED),
            read(derive(AMM, b"__event_authority")),
            read(AMM),
            write(token_account(self.creator, self.quote)),
            read(self.creator),
        ]
        if is_buy:
            accounts += [read(derive(AMM, b"global_volume_accumulator")), write(accumulator)]
        accounts += [
            read(derive(FEES, b"fee_config", AMM)),
            read(FEES),
            read(derive(AMM, b"pool-v2", self.base)),
            read(self.buyback),
            write(token_account(self.buyback, self.quote)),
        ]
        return Instruction(AMM, data, accounts)

    def buy(self, user, quote_in, least_base):
        data = BUY_EXACT_QUOTE_IN + struct.pack("<QQB", quote_in, least_base, 1)
        return self.trade(user, data, True)

    def sell(self, user, base_in, least_quote):
        return self.trade(user, SELL + struct.pack("<QQ", base_in, least_quote), False)


def create_account(user, mint):
    metas = [AccountMeta(user, True, True), AccountMeta(token_account(user, mint), False, True)]
    metas += [AccountMeta(key, False, False) for key in (user, mint, SYSTEM, TOKEN)]
    return Instruction(ASSOCIATED, bytes([1]), metas)


def event(logs):
    """Kind, base amount, and reserves before of the one event in a log."""
    found = [base64.b64decode(line[14:]) for line in logs if line.startswith("Program data: ")]
    (data,) = [data for data in found if data[:8] in (BUY_EVENT, SELL_EVENT)]
    numbers = struct.unpack_from("<qQQQQQQ", data, 8)
    return {"is_buy": data[:8] == BUY_EVENT, "base": numbers[1], "pool_base": numbers[5], "pool_quote": numbers[6]}


async def check(ready):
    wallet = Keypair.from_json(open(ready["keypair"]).read())
    user = wallet.pubkey()
    async with AsyncClient(ready["rpc"], commitment="confirmed") as client, SolanaWsClient(ready["ws"]) as socket:
        assert await client.is_connected()
        print("version", (await client.get_version()).value.solana_core)

        async def data(key):
            return (await client.get_account_info(key)).value.data

        async def tokens(key):
            return int((await client.get_token_account_balance(key)).value.amount)

        async def send(*instructions, hash=None, signer=wallet, skip=False):
            hash = hash or (await client.get_latest_blockhash()).value.blockhash
            message = MessageV0.try_compile(signer.pubkey(), list(instructions), [], hash)
            options = TxOpts(skip_preflight=skip, preflight_commitment="confirmed")
            signature = (await client.send_transaction(VersionedTransaction(message, [signer]), opts=options)).value
            await client.confirm_transaction(signature, commitment="confirmed", sleep_seconds=0.1)
            return signature

        async def landed(signature):
            answer = await client.get_transaction(signature, max_supported_transaction_version=0)
            return answer.value.transaction.meta

        async def refused(what, expected, awaited):
            try:
                await awaited
            except RPCException as error:
                assert expected in str(error), (what, str(error))
                print("refused:", what)
            else:
                raise AssertionError(f"not refused: {what}")

        address = Pubkey.from_string(ready["pools"][0]["pool"])
        market = Market(address, await data(address), await data(derive(AMM, b"global_config")))
        assert str(market.base) == ready["pools"][0]["mint"]
        base, wrapped = token_account(user, market.base), token_account(user, market.quote)
        sync = Instruction(TOKEN, bytes([17]), [AccountMeta(wrapped, False, True)])
        wrap = transfer(TransferParams(from_pubkey=user, to_pubkey=wrapped, lamports=5 * SOL))
        await send(create_account(user, market.base), create_account(user, market.quote), wrap, sync)

        stranger = Keypair()
        airdrop = (await client.request_airdrop(stranger.pubkey(), SOL)).value
        await client.confirm_transaction(airdrop, commitment="confirmed", sleep_seconds=0.1)
        assert (await client.get_balance(stranger.pubkey())).value == SOL

        vaults = [await tokens(market.base_vault), await tokens(market.quote_vault)]
        budget = [set_compute_unit_limit(300_000), set_compute_unit_price(1_000)]
        bought = await landed(await send(*budget, market.buy(user, SOL, 1)))
        seen = event(bought.log_messages)
        assert bought.err is None and seen["is_buy"] and [seen["pool_base"], seen["pool_quote"]] == vaults
        assert await tokens(base) == seen["base"] == vaults[0] - await tokens(market.base_vault)
        assert bought.fee == 5_000 + 300, bought.fee
        print("bought", seen["base"], "for at most 1 SOL")

        await refused("a slippage limit", "6004", send(market.sell(user, seen["base"], SOL)))
        recent = (await client.get_latest_blockhash()).value.blockhash
        message = MessageV0.try_compile(user, [market.sell(user, seen["base"], 1)], [], recent)
        options = TxOpts(preflight_commitment="confirmed")
        signature = (await client.send_transaction(VersionedTransaction(message, [wallet]), opts=options)).value
        await socket.signature_subscribe(signature=signature, commitment="confirmed")
        told = await asyncio.wait_for(socket.recv(), 10)
        assert told.result.value.err is None, told
        sold = event((await landed(signature)).log_messages)
        assert not sold["is_buy"] and sold["base"] == seen["base"] and await tokens(base) == 0
        history = (await client.get_signatures_for_address(address)).value
        assert [one.signature for one in history][0] == signature
        print("sold it again, told by", type(told).__name__)

        await refused("an unknown blockhash", "BlockhashNotFound", send(wrap, hash=Hash.new_unique()))
        message = MessageV0.try_compile(user, [wrap], [], recent)
        forged = VersionedTransaction.populate(message, [Signature.new_unique()])
        await refused("a bad signature", "SignatureFailure", client.send_transaction(forged))


async def raw(url):
    """What a typed client cannot send: an unknown method and malformed parameters."""
    import urllib.request

    for method, params, code in (("getWealth", [], -32601), ("getBalance", ["no address"], -32602)):
        body = json.dumps({"jsonrpc": "2.0", "id": "1", "method": method, "params": params}).encode()
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        answer = json.load(await asyncio.to_thread(urllib.request.urlopen, request))
        assert answer["error"]["code"] == code and answer["id"] == "1", answer
        print("refused:", method, params)


if __name__ == "__main__":
    line = json.loads(sys.argv[1])
    asyncio.run(check(line))
    asyncio.run(raw(line["rpc"]))
