-- VAT payable and stamp duty payable are what was booked with fees, less what the provider paid for us and what was
-- remitted for a month.
WITH sides AS (
    SELECT a.kind, CASE WHEN e.credit_account_id = a.id THEN e.amount_kobo ELSE -e.amount_kobo END AS payable,
        CASE
            WHEN t.kind = 'fee' AND t.status = 'success' AND e.credit_account_id = a.id
                AND e.code = CASE a.kind WHEN 'vat_payable' THEN 'vat' ELSE 'duty' END THEN e.amount_kobo
            WHEN t.kind = 'stash_withdrawal' AND e.code = 'duty' THEN -e.amount_kobo
            WHEN t.kind = 'treasury' AND m.id IS NOT NULL AND e.debit_account_id = a.id THEN -e.amount_kobo
            ELSE 0
        END AS due
    FROM savings_account a
    JOIN savings_entry e ON e.credit_account_id = a.id OR e.debit_account_id = a.id
    JOIN savings_transaction t ON t.id = e.transaction_id
    LEFT JOIN savings_manualposting m ON m.transaction_id = t.id AND m.period_on IS NOT NULL
    WHERE a.kind IN ('vat_payable', 'stamp_duty_payable')
)
SELECT kind, SUM(payable), SUM(due) FROM sides GROUP BY kind HAVING SUM(payable) <> SUM(due) ORDER BY kind
