//! The virtual machine, and one instruction on it.

use litesvm::LiteSVM;
use q50_pumpswap::chain::programs::{PUMP_AMM, PUMP_FEES, SYSTEM};
use q50_pumpswap::chain::{Address, Instruction, ProgramEvent, layout};
use solana_account::Account;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction::{
    AccountMeta, Instruction as SolanaInstruction, InstructionError, Message, Signature, TransactionError,
    VersionedMessage,
};

/// A validator in this process, with PumpSwap and the fees program as their vendor compiled them.
///
/// Signatures and blockhashes are not checked, and its clock stands at zero.
pub struct Machine(LiteSVM);

impl Machine {
    /// A machine with the programs and no accounts of theirs.
    pub fn new() -> Self {
        let mut svm = LiteSVM::new().with_sigverify(false).with_blockhash_check(false).with_transaction_history(0);
        for (program, bytes) in [(PUMP_AMM, q50_programs::PUMP_AMM), (PUMP_FEES, q50_programs::PUMP_FEES)] {
            svm.add_program(program.0, bytes).unwrap();
        }
        Self(svm)
    }

    /// Puts an account where nothing or another one is, with what it needs to stay.
    pub fn put(&mut self, address: Address, owner: Address, data: Vec<u8>) {
        self.put_with_lamports(address, owner, data, 0);
    }

    /// As [`put`](Self::put), with `lamports` more.
    pub fn put_with_lamports(&mut self, address: Address, owner: Address, data: Vec<u8>, lamports: u64) {
        let lamports = lamports + self.rent(data.len());
        let account = Account { lamports, data, owner: owner.0.into(), executable: false, rent_epoch: u64::MAX };
        self.0.set_account(address.0.into(), account).unwrap();
    }

    /// Somebody with a thousand SOL.
    pub fn put_wallet(&mut self, address: Address) {
        self.put_with_lamports(address, SYSTEM, Vec::new(), 1_000_000_000_000);
    }

    /// What an account of `length` bytes has to hold, in lamports.
    pub fn rent(&self, length: usize) -> u64 {
        self.0.minimum_balance_for_rent_exemption(length)
    }

    /// An account's data, where there is an account.
    pub fn data(&self, address: &Address) -> Option<Vec<u8>> {
        self.0.get_account(&address.0.into()).map(|account| account.data)
    }

    /// What a token account holds; nothing where there is none.
    pub fn tokens(&self, account: &Address) -> u64 {
        self.data(account).map_or(0, |data| u64_at(&data, layout::TOKEN_AMOUNT))
    }

    /// What was minted of a mint.
    pub fn supply(&self, mint: &Address) -> u64 {
        u64_at(&self.data(mint).unwrap(), layout::MINT_SUPPLY)
    }

    /// Executes one instruction in a transaction of its own: the event that it printed, or its error number.
    ///
    /// # Panics
    /// Where a transaction fails otherwise than by an error number of a program, or the event is not printed twice.
    pub fn execute(&mut self, payer: Address, instruction: &Instruction) -> Result<ProgramEvent, u32> {
        let instructions = [compute_unit_limit(), solana(instruction)];
        let message = Message::new(&instructions, Some(&payer.0.into()));
        let transaction = VersionedTransaction {
            signatures: vec![Signature::default(); usize::from(message.header.num_required_signatures)],
            message: VersionedMessage::Legacy(message),
        };
        match self.0.send_transaction(transaction) {
            Ok(done) => {
                let logged = done.logs.iter().filter_map(|line| ProgramEvent::from_log_line(line).unwrap());
                let called = done.inner_instructions.iter().flatten();
                let called = called.filter_map(|call| ProgramEvent::decode(&call.instruction.data).unwrap());
                let (logged, called): (Vec<_>, Vec<_>) = (logged.collect(), called.collect());
                assert_eq!(logged, called, "an event is in the log and in a call of the program to itself");
                let [event] = <[_; 1]>::try_from(logged).unwrap_or_else(|all| panic!("not one event: {all:?}"));
                Ok(event)
            }
            Err(failed) => match failed.err {
                TransactionError::InstructionError(_, InstructionError::Custom(code)) => Err(code),
                error => panic!("{error:?}\n{}", failed.meta.logs.join("\n")),
            },
        }
    }
}

fn u64_at(data: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(data[at..at + 8].try_into().unwrap())
}

fn solana(instruction: &Instruction) -> SolanaInstruction {
    let accounts = instruction.accounts.iter().map(|meta| AccountMeta {
        pubkey: meta.address.0.into(),
        is_signer: meta.access.signs(),
        is_writable: meta.access.writes(),
    });
    SolanaInstruction {
        program_id: instruction.program.0.into(),
        accounts: accounts.collect(),
        data: instruction.data.clone(),
    }
}

/// A first trade makes several accounts, which takes more than an instruction's usual share.
fn compute_unit_limit() -> SolanaInstruction {
    let program: Address = "ComputeBudget111111111111111111111111111111".parse().unwrap();
    let mut data = vec![2];
    data.extend(1_400_000_u32.to_le_bytes());
    SolanaInstruction { program_id: program.0.into(), accounts: Vec::new(), data }
}
