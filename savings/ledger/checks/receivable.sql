-- What a person owes stays in the site: a withdrawal that succeeded left at least what was owed in the stash.
WITH debts AS (
    SELECT t.user_id, e.id, CASE WHEN d.kind = 'receivable' THEN e.amount_kobo ELSE -e.amount_kobo END AS change
    FROM savings_entry e
    JOIN savings_account d ON d.id = e.debit_account_id
    JOIN savings_account c ON c.id = e.credit_account_id
    JOIN savings_transaction t ON t.id = e.transaction_id
    WHERE d.kind = 'receivable' OR c.kind = 'receivable'
)
SELECT 'withdrawal ' || t.reference, 'left ' || hold.debit_balance_kobo || ' in the stash',
    'at least ' || SUM(debt.change) || ', which was owed'
FROM savings_transaction t
JOIN savings_entry hold ON hold.transaction_id = t.id AND hold.code = 'hold'
JOIN debts debt ON debt.user_id = t.user_id AND debt.id < hold.id
WHERE t.kind = 'stash_withdrawal' AND t.status = 'success'
GROUP BY t.id, t.reference, hold.debit_balance_kobo HAVING SUM(debt.change) > hold.debit_balance_kobo
ORDER BY t.id
