-- Steps other than the primary posting occur only where they belong, between the accounts that they are for.
-- Hold and release: a withdrawal, for its full amount; its fee, with VAT and duty; a refund. A withdrawal that comes back
-- is released by its reversal, and its fee by a reversal of the fee. Suspense: incoming money that differed from the request. Cost: what the provider kept.
SELECT 'entry ' || e.id, e.code || ' from ' || d.kind || ' to ' || c.kind || ' of a ' || t.status || ' ' || t.kind,
    'a step that belongs there'
FROM savings_entry e
JOIN savings_transaction t ON t.id = e.transaction_id
JOIN savings_account d ON d.id = e.debit_account_id
JOIN savings_account c ON c.id = e.credit_account_id
LEFT JOIN savings_transaction original ON original.id = t.reverses_id
LEFT JOIN savings_entry hold ON hold.transaction_id = t.id AND hold.code = 'hold' AND hold.id < e.id
LEFT JOIN savings_account held ON held.id = hold.debit_account_id
LEFT JOIN savings_entry forth ON forth.transaction_id = t.id AND forth.code = 'primary' AND forth.id < e.id
-- A comparison with a step that is missing is unknown, which is no excuse.
WHERE e.code <> 'primary' AND NOT COALESCE((
    e.code = 'hold' AND t.kind = 'stash_withdrawal' AND e.amount_kobo = t.amount_kobo
        AND d.kind = 'stash' AND c.kind = 'hold'
    OR e.code = 'hold' AND t.kind = 'fee' AND e.amount_kobo >= t.amount_kobo AND d.kind = 'stash' AND c.kind = 'hold'
    OR e.code = 'hold' AND t.kind = 'refund' AND e.amount_kobo = t.amount_kobo
        AND d.kind IN ('stash', 'plan', 'suspense') AND c.kind = 'refunds_due'
    -- A refund that the provider has made, and that the person pays from what is left.
    OR e.code = 'hold' AND t.kind = 'refund' AND e.amount_kobo = t.amount_kobo
        AND d.kind = 'receivable' AND c.kind = 'refunds_due' AND t.status IN {settled}
    OR e.code = 'release' AND t.kind IN ('stash_withdrawal', 'fee', 'refund') AND e.amount_kobo = hold.amount_kobo
        AND d.id = hold.credit_account_id AND c.id = hold.debit_account_id AND t.status IN ('failed', 'abandoned')
    -- A refund of a plan that closed meanwhile goes to the stash.
    OR e.code = 'release' AND t.kind = 'refund' AND e.amount_kobo = hold.amount_kobo
        AND d.id = hold.credit_account_id AND held.kind = 'plan' AND c.kind = 'stash' AND t.status = 'failed'
    OR e.code = 'release' AND original.kind = 'stash_withdrawal' AND e.amount_kobo = t.amount_kobo
        AND d.kind = 'hold' AND c.kind = 'stash' AND forth.id IS NOT NULL
    OR e.code = 'release' AND original.kind = 'fee' AND e.amount_kobo >= t.amount_kobo
        AND d.kind = 'hold' AND c.kind = 'stash' AND forth.id IS NOT NULL
    OR e.code IN ('vat', 'duty') AND original.kind = 'fee' AND c.kind = 'hold'
        AND d.kind = CASE e.code WHEN 'vat' THEN 'vat_payable' ELSE 'stamp_duty_payable' END
    -- The house bears the duty of a withdrawal that came back, and has the provider's fee again where that returns it.
    OR e.code = 'duty' AND original.kind = 'stash_withdrawal' AND d.kind = 'transfer_costs' AND c.kind = 'stamp_duty_payable'
    OR e.code = 'cost' AND original.kind = 'stash_withdrawal' AND d.kind = 'provider_balance' AND c.kind = 'transfer_costs'
    OR e.code = 'suspense' AND t.kind IN ('top_up', 'stash_deposit', 'autosave', 'adjustment')
        AND d.kind = 'clearing' AND c.kind = 'suspense' AND t.status <> 'pending'
    OR e.code = 'cost' AND t.kind IN ('top_up', 'stash_deposit', 'autosave', 'adjustment')
        AND d.kind = 'provider_fees' AND c.kind = 'clearing' AND t.status <> 'pending'
    -- A transfer that failed may have cost something.
    OR e.code = 'cost' AND t.kind = 'stash_withdrawal' AND d.kind = 'transfer_costs' AND c.kind = 'provider_balance'
        AND t.status NOT IN ('pending', 'review')
    OR e.code = 'vat' AND t.kind = 'fee' AND d.kind = 'hold' AND c.kind = 'vat_payable' AND t.status IN {settled}
    OR e.code = 'duty' AND t.kind = 'fee' AND d.kind = 'hold' AND c.kind = 'stamp_duty_payable' AND t.status IN {settled}
    OR e.code = 'duty' AND t.kind = 'stash_withdrawal' AND d.kind = 'stamp_duty_payable'
        AND c.kind = 'provider_balance' AND t.status IN {settled}
), FALSE)
ORDER BY e.id
