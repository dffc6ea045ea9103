-- For no month was more tax, VAT or duty remitted than was booked in it.
WITH months AS (
    SELECT a.kind, {month_of_posting} AS month, l.amount_kobo AS booked, 0 AS remitted
    FROM savings_account a
    JOIN savings_entry l ON l.credit_account_id = a.id
    JOIN savings_transaction t ON t.id = l.transaction_id AND t.status = 'success'
    WHERE a.kind IN ('tax_payable', 'vat_payable', 'stamp_duty_payable')
    UNION ALL
    SELECT a.kind, {month_of_remittance}, 0, e.amount_kobo
    FROM savings_manualposting m
    JOIN savings_transaction t ON t.id = m.transaction_id AND t.status = 'success'
    JOIN savings_entry e ON e.transaction_id = t.id AND e.code = 'primary'
    JOIN savings_account a ON a.id = e.debit_account_id
    WHERE m.period_on IS NOT NULL AND a.kind IN ('tax_payable', 'vat_payable', 'stamp_duty_payable')
)
SELECT kind || ' of ' || month, SUM(remitted) || ' remitted', 'at most ' || SUM(booked)
FROM months GROUP BY kind, month HAVING SUM(remitted) > SUM(booked)
ORDER BY 1
