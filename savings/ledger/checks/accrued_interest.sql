-- Interest payable holds nothing, or what was accrued at the end of the month that has just ended: all of it is taken back
-- on the first day of the next month, so that it is no expense twice.
WITH legs AS ({legs}),
payable AS (
    SELECT l.change, CASE WHEN l.change > 0 AND {month_of_posting} >= {this_month_from_second} THEN l.change ELSE 0 END AS fresh
    FROM legs l JOIN savings_account a ON a.id = l.account_id
    WHERE a.kind = 'interest_payable'
),
compared AS (SELECT COALESCE(SUM(change), 0) AS held, COALESCE(SUM(fresh), 0) AS accrued FROM payable)
SELECT 'interest payable', held, 'nothing, or ' || accrued || ' that was just accrued'
FROM compared WHERE held <> 0 AND held <> accrued
