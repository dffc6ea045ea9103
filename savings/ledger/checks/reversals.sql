-- A reversal is the exact opposite of a transaction that was successful and is now reversed. The money of a withdrawal
-- that comes back, and of its fee, is released from the hold.
SELECT 'reversal ' || r.reference,
    r.status || ' of ' || COALESCE(o.status || ' ' || o.reference, 'nothing'),
    'success, by the opposite entry, of one that is reversed'
FROM savings_transaction r
LEFT JOIN savings_transaction o ON o.id = r.reverses_id
LEFT JOIN savings_entry forth ON forth.transaction_id = o.id AND forth.code = 'primary'
LEFT JOIN savings_entry released ON released.transaction_id = r.id AND released.code = 'release'
LEFT JOIN savings_entry back ON back.transaction_id = r.id AND back.code = 'primary'
WHERE (r.kind = 'reversal' OR r.reverses_id IS NOT NULL) AND (
    r.kind <> 'reversal' OR r.status <> 'success' OR COALESCE(o.status, '') <> 'reversed' OR o.kind = 'reversal'
    OR COALESCE(r.user_id, 0) <> COALESCE(o.user_id, 0) OR COALESCE(r.plan_id, 0) <> COALESCE(o.plan_id, 0)
    OR COALESCE(back.debit_account_id, -1) <> COALESCE(forth.credit_account_id, -2)
    OR COALESCE(back.credit_account_id, -1) <> COALESCE(forth.debit_account_id, -2)
    OR (o.kind IN ('stash_withdrawal', 'fee')) <> (released.id IS NOT NULL)
    OR back.amount_kobo <> forth.amount_kobo
)
UNION ALL
SELECT 'transaction ' || o.reference, 'reversed by nothing', 'a reversal, or refunds and chargebacks of all of it'
FROM savings_transaction o
LEFT JOIN savings_transaction r ON r.reverses_id = o.id
LEFT JOIN (
    SELECT refunds_id, SUM(amount_kobo) AS kobo FROM savings_transaction
    WHERE kind IN ('refund', 'chargeback') AND status = 'success' GROUP BY refunds_id
) back ON back.refunds_id = o.id
WHERE o.status = 'reversed' AND r.id IS NULL AND COALESCE(back.kobo, 0) < o.amount_kobo
ORDER BY 1
