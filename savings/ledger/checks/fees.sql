-- VAT payable and stamp duty payable are what was booked with fees, less what the provider paid for us, what went back with
-- withdrawals that came back, and what was remitted for a month.
WITH sides AS (
    SELECT a.kind, CASE WHEN e.credit_account_id = a.id THEN e.amount_kobo ELSE -e.amount_kobo END AS payable,
        t.kind AS movement, t.status, e.code, e.credit_account_id = a.id AS is_credit, original.kind AS original,
        m.id IS NOT NULL AS is_remittance, CASE a.kind WHEN 'vat_payable' THEN 'vat' ELSE 'duty' END AS step
    FROM savings_account a
    JOIN savings_entry e ON e.credit_account_id = a.id OR e.debit_account_id = a.id
    JOIN savings_transaction t ON t.id = e.transaction_id
    LEFT JOIN savings_transaction original ON original.id = t.reverses_id
    LEFT JOIN savings_manualposting m ON m.transaction_id = t.id AND m.period_on IS NOT NULL
    WHERE a.kind IN ('vat_payable', 'stamp_duty_payable')
),
compared AS (
    SELECT kind, payable, CASE WHEN
        movement = 'fee' AND status IN {settled} AND is_credit AND (code = step OR code = 'primary' AND step = 'duty')
        OR original = 'fee' AND NOT is_credit AND (code = step OR code = 'primary' AND step = 'duty')
        OR movement = 'stash_withdrawal' AND step = 'duty' AND code = 'duty' AND NOT is_credit
        OR original = 'stash_withdrawal' AND step = 'duty' AND code = 'duty' AND is_credit
        OR movement = 'treasury' AND is_remittance AND NOT is_credit
    THEN payable ELSE 0 END AS due
    FROM sides
)
SELECT kind, SUM(payable), SUM(due) FROM compared GROUP BY kind HAVING SUM(payable) <> SUM(due) ORDER BY kind
