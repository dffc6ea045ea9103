-- Tax payable is the tax withheld, less what was corrected and what was remitted for a month by two people.
WITH sides AS (
    SELECT CASE WHEN c.kind = 'tax_payable' THEN e.amount_kobo ELSE -e.amount_kobo END AS payable, 0 AS due
    FROM savings_entry e
    JOIN savings_account d ON d.id = e.debit_account_id
    JOIN savings_account c ON c.id = e.credit_account_id
    WHERE d.kind = 'tax_payable' OR c.kind = 'tax_payable'
    UNION ALL
    SELECT 0, amount_kobo FROM savings_transaction WHERE kind = 'tax_withheld' AND status = 'success'
    UNION ALL
    SELECT 0, -t.amount_kobo
    FROM savings_account a
    JOIN savings_entry e ON e.debit_account_id = a.id AND e.code = 'primary'
    JOIN savings_transaction t ON t.id = e.transaction_id AND t.status = 'success'
    LEFT JOIN savings_manualposting m ON m.transaction_id = t.id AND m.period_on IS NOT NULL
    WHERE a.kind = 'tax_payable' AND (t.kind = 'interest_correction' OR t.kind = 'treasury' AND m.id IS NOT NULL)
)
SELECT 'tax payable', SUM(payable), SUM(due) FROM sides HAVING SUM(payable) <> SUM(due) ORDER BY 1
